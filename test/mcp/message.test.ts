import t from 'tap'
import { HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, MessageError, PARSE_ERROR, jsonRpcErrorBody } from '../../src/mcp/errors.js'
import { readMessage, textOf } from '../../src/mcp/message.js'
import type { Message } from '../../src/mcp/message.js'

function read (text: string | Buffer, maxDepth = 64): Message {
  return readMessage(Buffer.from(text as string), { maxDepth })
}

/** The code, and the id that the response would repeat. */
function refusalOf (text: string | Buffer, maxDepth = 64): string | undefined {
  try {
    read(text, maxDepth)
    return undefined
  } catch (error) {
    if (error instanceof MessageError) return `${error.code} ${error.idJson ?? '-'}`
    throw error
  }
}

t.test('a request is read with its id as spelled', async (t) => {
  const ids = ['1', '0', '-7', '12345678901234567890', '1.0', '1e3', '"a"', '""', '"\\u00e9\\n"', '"1"', '"\\ud800"']
  for (const id of ids) {
    t.match(read(`{"jsonrpc":"2.0","id": ${id} ,"method":"tools/list"}`), { kind: 'request', method: 'tools/list', idJson: id }, id)
  }
})

t.test('what the gateway goes by is read from the params', async (t) => {
  const body = '{"method":"x\\u002fy","params":{"arguments":{"name":"no", "n":[1.50]},"uri":"u:é","name":"n","taskId":"t","ref":{"type":"ref/prompt","name":"p","uri":"q"},"notifications":{"resourceSubscriptions":["a","b"]},"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}},"id":1,"jsonrpc":"2.0"}'
  const message = read(body)
  if (message.kind !== 'request') throw new Error('no request')
  t.match(message, { method: 'x/y', protocolVersion: '2026-07-28' })
  const { name, uri, taskId, ref, notifications, arguments: args } = message.params
  t.strictSame([name, uri, taskId].map(textOf), ['n', 'u:é', 't'])
  t.match(ref, { type: 'object', members: { type: { value: 'ref/prompt' }, name: { value: 'p' }, uri: { value: 'q' } } })
  t.match(notifications, { members: { resourceSubscriptions: { values: ['a', 'b'] } } })
  t.equal(Buffer.from(body).toString('utf8', args?.start, args?.end), '{"name":"no", "n":[1.50]}')
})

t.test('M3: a message carries the bytes that were examined', async (t) => {
  const texts = ['{"id":1, "method":"m"', '{"method":"notifications/m"', '{"id":1,"error":{}'].map((text) => `${text},"jsonrpc":"2.0"} `)
  for (const text of texts) {
    const bytes = Buffer.from(text)
    t.equal(readMessage(bytes, { maxDepth: 64 }).bytes, bytes)
  }
})

t.test('a message without an id is a notification', async (t) => {
  t.match(read('{"jsonrpc":"2.0","method":"notifications/initialized"}'), { kind: 'notification', method: 'notifications/initialized', protocolVersion: undefined })
  t.equal(Reflect.get(read('{"jsonrpc":"2.0","method":"m","params":{"id":1}}'), 'idJson'), undefined)
})

t.test('a message with a result or an error is a response', async (t) => {
  for (const outcome of ['"result":{}', '"result":null', '"error":{"code":1,"message":""}']) {
    const text = `{"jsonrpc":"2.0","id":7,${outcome}}`
    t.strictSame(read(text), { kind: 'response', idJson: '7', bytes: Buffer.from(text) }, outcome)
  }
})

t.test('M2: a legacy error may lack an id, a result may not', async (t) => {
  t.match(read('{"jsonrpc":"2.0","error":{"code":-32700,"message":"m"}}'), { kind: 'response', idJson: undefined })
  t.equal(refusalOf('{"jsonrpc":"2.0","result":{}}'), `${INVALID_REQUEST} -`)
  t.equal(refusalOf('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}'), `${INVALID_REQUEST} -`)
})

t.test('M3: names in which only slashes are escaped are read as every reader reads them', async (t) => {
  const body = (key: string): string => `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"${key}":"2026-07-28"}}}`
  t.match(read(body('io.modelcontextprotocol\\/protocolVersion')), { protocolVersion: '2026-07-28' })
  for (const key of ['io.modelcontextprotocol\\u002fprotocolVersion', 'io\\u002emodelcontextprotocol\\/protocolVersion', 'IO.modelcontextprotocol\\/protocolVersion']) {
    t.equal(refusalOf(body(key)), `${INVALID_REQUEST} 1`, key)
  }
  const twice = '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol\\/protocolVersion":"2026-07-28"}}}'
  t.equal(refusalOf(twice), `${INVALID_REQUEST} 1`)
})

t.test('params and _meta may be left out or null', async (t) => {
  for (const params of ['', ',"params":null', ',"params":{}', ',"params":{"_meta":null}', ',"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":null}}']) {
    const message = read(`{"jsonrpc":"2.0","id":1,"method":"m"${params}}`)
    t.match(message, { kind: 'request', protocolVersion: undefined }, params)
    t.equal(message.kind === 'request' && message.params.name, undefined)
  }
})

t.test('bytes that are no JSON are a parse error without an id', async (t) => {
  const bodies = ['', '{', '{"jsonrpc":"2.0","id":1,"method":"m"', '{"jsonrpc":"2.0","id":1,"method":"m"}}', '{"jsonrpc":"2.0","id":1,"method":"m",}', '\ufeff{}', '{"id":1,"a":1,"a":1']
  for (const body of bodies) t.equal(refusalOf(body), `${PARSE_ERROR} -`, body.replace('\ufeff', '<BOM>'))
  t.equal(refusalOf(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xe9"}', 'latin1')), `${PARSE_ERROR} -`)
  t.equal(refusalOf(Buffer.from('\ufeff{"jsonrpc":"2.0"}', 'utf16le')), `${PARSE_ERROR} -`)
})

t.test('a message that is not one JSON-RPC 2.0 message is an invalid request', async (t) => {
  const refused: ReadonlyArray<readonly [body: string, id: string]> = [
    ['[]', '-'],
    ['[{"jsonrpc":"2.0","id":1,"method":"m"}]', '-'],
    ['[[{"jsonrpc":"2.0","id":1,"method":"m"}]]', '-'],
    ['null', '-'], ['1', '-'], ['"m"', '-'], ['true', '-'], ['{}', '-'],
    ['{"id":1,"method":"m"}', '1'],
    ['{"jsonrpc":"1.0","id":1,"method":"m"}', '1'],
    ['{"jsonrpc":"2.00","id":1,"method":"m"}', '1'],
    ['{"jsonrpc":2.0,"id":1,"method":"m"}', '1'],
    ['{"jsonrpc":["2.0"],"id":1,"method":"m"}', '1'],
    ['{"jsonrpc":null,"id":"a","method":"m"}', '"a"'],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', '-'],
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', '-'],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', '-'],
    ['{"jsonrpc":"2.0","id":[1],"method":"m"}', '-'],
    ['{"jsonrpc":"2.0","id":null,"result":{}}', '-'],
    ['{"jsonrpc":"2.0","id":1}', '1'],
    ['{"jsonrpc":"2.0"}', '-'],
    ['{"jsonrpc":"2.0","id":1,"params":{}}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":null}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":1}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":["tools/call"]}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":{"a":1}}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":null,"result":{}}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","result":{}}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","result":null}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","error":{}}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","error":null}', '1'],
    ['{"jsonrpc":"2.0","method":"m","result":{}}', '-'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', '-'],
    ['{"jsonrpc":"2.0","id":1,"result":{},"error":null}', '-'],
    ['{"jsonrpc":"2.0","result":{}}', '-'],
    ['{"id":1,"result":{}}', '-'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[{"name":"x"}]}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":0}', '1'],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":false}', '1']
  ]
  for (const [body, id] of refused) t.equal(refusalOf(body), `${INVALID_REQUEST} ${id}`, body)
})

t.test('a malformed _meta is invalid params', async (t) => {
  for (const meta of ['[]', '"x"', '1', 'false', '{"io.modelcontextprotocol/protocolVersion":20260728}', '{"io.modelcontextprotocol/protocolVersion":["2026-07-28"]}', '{"io.modelcontextprotocol/protocolVersion":{}}']) {
    t.equal(refusalOf(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":${meta}}}`), `${INVALID_PARAMS} 1`, meta)
  }
})

t.test('a message that parsers read differently is an invalid request', async (t) => {
  const call = (extra: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"allowed"${extra}}}`
  const inParams = [
    ',"name":"denied"', ',"Name":"denied"', ',"NAME":"denied"', ',"\\u006eame":"denied"', ',"n\\u0061me":"denied"', ',"name\\u0000":"denied"', ',"URI":"x"',
    ',"Arguments":{}', ',"argument\u017f":{}', ',"_Meta":{}', ',"meta":{}', ',"REF":{}', ',"ref":{"type":"ref/prompt","Name":"x"}', ',"notifications":{"ResourceSubscriptions":[]}',
    ',"notifications":{"resource_subscriptions":["x"]}', ',"task_id":"x"', ',"__proto__":{"name":"denied"}', ',"_meta":{"io.modelcontextprotocol/protocolversion":"2026-07-28"}',
    ',"arguments":{"a":1,"a":2}', ',"arguments":{"a":[{"b":1,"\\u0062":1}]}', ',"arguments":{"\\ud800":1}', ',"uri":"\\udc00"', ',"ref":{"name":"\\ud800x"}'
  ]
  for (const extra of inParams) t.equal(refusalOf(call(extra)), `${INVALID_REQUEST} 1`, Buffer.from(extra).toString('latin1'))
  const atTop = [
    ',"method":"ping"', ',"Method":"ping"', ',"METHOD":"ping"', ',"\\u006dethod":"ping"', ',"Params":{}', ',"param\u017f":{}', ',"ID":2', ',"id":2', ',"\\u0069d":2',
    ',"Result":{}', ',"re\u017fult":{}', ',"ERROR":{}', ',"jsonRPC":"2.0"', ',"json_rpc":"2.0"', ',"x":1,"x":1', ',"__proto__":{"method":"ping"}'
  ]
  for (const extra of atTop) {
    t.equal(refusalOf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"allowed"}${extra}}`), `${INVALID_REQUEST} -`, Buffer.from(extra).toString('latin1'))
  }
})

t.test('a message nested too deeply is an invalid request', async (t) => {
  const body = (depth: number) => `{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}}`
  t.equal(refusalOf(body(8), 8), undefined)
  t.equal(refusalOf(body(9), 8), `${INVALID_REQUEST} -`)
})

t.test('what the protocol and its extensions send is accepted', async (t) => {
  const params = [
    '{"protocolVersion":"2025-06-18","capabilities":{"roots":{"listChanged":true}},"clientInfo":{"name":"c","version":"1","Name":"c"}}',
    '{"name":"t","arguments":{"Name":"x","name":"y","meta":1,"__proto__":1},"task":{"ttl":1},"inputResponses":{},"requestState":"s"}',
    '{"_meta":{"progressToken":"p","openai/userAgent":"x","io.modelcontextprotocol/clientInfo":{"name":"c"},"traceparent":"00-0-0-01"}}',
    '{"ref":{"type":"ref/prompt","name":"p","title":"P"},"argument":{"name":"a","value":"v"},"context":{"arguments":{"uri":"u"}}}',
    '{"notifications":{"toolsListChanged":true,"resourceSubscriptions":[]}}',
    '{"progressToken":1,"progress":0.5,"total":1,"message":"m"}', '{"requestId":1,"reason":"r"}', '{"level":"debug"}', '{"cursor":"c"}'
  ]
  for (const text of params) t.equal(refusalOf(`{"jsonrpc":"2.0","id":1,"method":"m","params":${text}}`), undefined, text)
  t.equal(refusalOf('{"jsonrpc":"2.0","id":1,"result":{"Method":"x","content":[],"_meta":{}}}'), undefined)
})

t.test('an error body repeats the id digit for digit and leaves an unknown one out', async (t) => {
  t.equal(
    jsonRpcErrorBody({ idJson: '12345678901234567890', code: HEADER_MISMATCH, message: 'a "b"' }),
    '{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-32020,"message":"a \\"b\\""}}'
  )
  t.equal(jsonRpcErrorBody({ code: 403, message: 'm', data: { scopes: ['a'] } }), '{"jsonrpc":"2.0","error":{"code":403,"message":"m","data":{"scopes":["a"]}}}')
  t.strictSame(JSON.parse(jsonRpcErrorBody({ idJson: '"a\\u0022b"', code: 1, message: '' })), { jsonrpc: '2.0', id: 'a"b', error: { code: 1, message: '' } })
})
