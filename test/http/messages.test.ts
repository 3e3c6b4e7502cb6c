import t from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { openConnection } from '../helpers/raw-connection.js'
import { send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const CALL = JSON.stringify(toolCall('list_todos', {}, 7))
const TYPE = 'application/json'

interface ErrorBody {
  readonly jsonrpc?: string
  readonly id?: unknown
  readonly error: {
    readonly code: number, readonly message: string, readonly data?: { readonly error?: string }
  }
}

t.test('M1: JSON in UTF-8 is accepted however its type is spelt', async (t) => {
  const { send } = await startScene(t)
  for (const type of [TYPE, 'Application/JSON', 'application/json;charset=utf-8', 'application/json; charset=UTF-8', 'application/json ; charset="utf-8"', 'application/json; CHARSET=utf-8', ' application/json ']) {
    t.equal((await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': type }, body: CALL })).status, 200, type)
  }
})

t.test('M1: any other type, charset or coding is 415, and goes nowhere', async (t) => {
  const { send, upstream } = await startScene(t)
  const variants: readonly (readonly string[])[] = [
    [],
    ...[
      'text/plain', 'text/json', 'application/json5', 'application/jsonx', 'application/problem+json', 'application/json-rpc', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x',
      'application/json; charset=latin1', 'application/json; charset=utf-16', 'application/json; charset=utf-7', 'application/json; charset=utf8', 'application/json; boundary=x',
      'application/json; charset=utf-8; charset=utf-16', 'application/json, text/plain', 'text/plain, application/json', 'application/json; charset', 'application/json;charset=\'utf-8\'',
      'application /json', 'json', '/', '', '*/*', 'application/*'
    ].map((type) => [`Content-Type: ${type}`]),
    ['Content-Type: text/plain', `Content-Type: ${TYPE}`],
    ...['gzip', 'identity', 'br', 'deflate', ''].map((coding) => [`Content-Type: ${TYPE}`, `Content-Encoding: ${coding}`])
  ]
  for (const headers of variants) {
    const response = await send({ method: 'POST', target: '/mcp', headers, body: CALL })
    t.equal(response.status, 415, headers.join(' '))
    t.match(JSON.parse(response.body), { jsonrpc: '2.0', error: { code: -32600, data: { error: 'unsupported_media_type' } } }, headers.join(' '))
  }
  t.equal(upstream.received.length, 0)
})

t.test('M1: what cannot be read or is no message is 400 with its JSON-RPC code, and the id where it is known', async (t) => {
  const { send, upstream } = await startScene(t)
  const table: readonly [name: string, body: string | Buffer, code: number, id: unknown][] = [
    ['nothing', '', -32700, undefined],
    ['space', ' \n', -32700, undefined],
    ['syntax', '{"jsonrpc":"2.0","id":7,"method":"ping"', -32700, undefined],
    ['two values', `${CALL}${CALL}`, -32700, undefined],
    ['a comment', `/**/${CALL}`, -32700, undefined],
    ['NaN', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}', -32700, undefined],
    ['a byte order mark', `\ufeff${CALL}`, -32700, undefined],
    ['UTF-16', Buffer.from(CALL, 'utf16le'), -32700, undefined],
    ['invalid UTF-8', Buffer.from([...Buffer.from('{"jsonrpc":"2.0","id":7,"method":"'), 0xff, 0xfe, ...Buffer.from('"}')]), -32700, undefined],
    ['an overlong encoding', Buffer.from([...Buffer.from('{"jsonrpc":"2.0","id":7,"method":"'), 0xc0, 0xae, ...Buffer.from('"}')]), -32700, undefined],
    ['a string', '"ping"', -32600, undefined],
    ['null', 'null', -32600, undefined],
    ['a number', '7', -32600, undefined],
    ['a batch', `[${CALL}]`, -32600, undefined],
    ['an empty batch', '[]', -32600, undefined],
    ['no version', '{"id":7,"method":"ping"}', -32600, 7],
    ['version 1.0', '{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, 7],
    ['version as a number', '{"jsonrpc":2.0,"id":7,"method":"ping"}', -32600, 7],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, undefined],
    ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, undefined],
    ['a number as method', '{"jsonrpc":"2.0","id":"a","method":7}', -32600, 'a'],
    ['neither method nor result', '{"jsonrpc":"2.0","id":7}', -32600, 7],
    ['method and result', '{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}', -32600, 7],
    ['params as an array', '{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}', -32600, 7],
    // Where members are contested, so is the id.
    ['a member twice', '{"jsonrpc":"2.0","id":7,"method":"tools/call","method":"ping"}', -32600, undefined],
    ['a member in another case', '{"jsonrpc":"2.0","id":7,"method":"ping","Method":"tools/call"}', -32600, undefined]
  ]
  for (const [name, body, code, id] of table) {
    const response = await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body })
    t.equal(response.status, 400, name)
    const { jsonrpc, id: answered, error } = JSON.parse(response.body) as ErrorBody
    t.same([jsonrpc, error.code, answered], ['2.0', code, id], name)
    t.equal(response.headers['www-authenticate'], undefined)
  }
  t.equal(upstream.received.length, 0)
})

t.test('no body at all is no JSON', async (t) => {
  const { gateway, token } = await startScene(t)
  const client = await openConnection(t, gateway.origin)
  client.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n\r\n`)
  t.match(await client.until('}}'), /^HTTP\/1\.1 400 [^]*"code":-32700/)
})

t.test('a large id is repeated digit for digit', async (t) => {
  const { send } = await startScene(t)
  for (const id of ['123456789012345678901234567890', '1.0', '-0', '1e2', '"\\u0041\\"x"']) {
    const { status, body } = await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body: `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"unlisted"}}` })
    t.equal(status, 403)
    t.match(body, `"id":${id},`)
  }
})

t.test('M4: nesting up to 64 is accepted, not deeper', async (t) => {
  const { send } = await startScene(t)
  // The message and its params and arguments are three levels.
  const nested = (depth: number): string => JSON.stringify(toolCall('list_todos', {}, 7)).replace('"arguments":{}', `"arguments":{"a":${'['.repeat(depth - 3)}${']'.repeat(depth - 3)}}`)
  t.equal((await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body: nested(64) })).status, 200)
  for (const depth of [65, 100_000]) {
    const { status, body } = await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body: nested(depth) })
    t.equal(status, 400)
    t.match(JSON.parse(body), { error: { code: -32600 } })
  }
})

t.test('M4: a body beyond the limit is 413, which names the limit', async (t) => {
  const { send, upstream } = await startScene(t, { config: { limits: { bodyBytes: 1024 } } })
  const sized = (bytes: number): string => CALL + ' '.repeat(bytes - CALL.length)
  t.equal((await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body: sized(1024) })).status, 200)
  for (const headers of [[`Content-Type: ${TYPE}`], [`Content-Type: ${TYPE}`, 'Transfer-Encoding: chunked']]) {
    const { status, body } = await send({ method: 'POST', target: '/mcp', headers, body: sized(1025) })
    t.equal(status, 413)
    t.match((JSON.parse(body) as ErrorBody).error.message, '1024 bytes')
    t.match(JSON.parse(body), { error: { code: -32600, data: { error: 'body_too_large' } } })
  }
  t.equal(upstream.received.length, 1)
})

t.test('M4: the default limit is 4 MiB', async (t) => {
  const { send } = await startScene(t)
  const body = JSON.stringify(toolCall('list_todos', { text: 'x'.repeat(4 * 1024 * 1024 - 200) }))
  t.equal((await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body })).status, 200)
  const response = await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE, 'Content-Length': String(4 * 1024 * 1024 + 1) } })
    .catch((error: unknown) => error)
  t.match(response, { status: 413, body: '4194304' })
})

t.test('A10: a body is not waited for before credentials, and not read after a refusal', async (t) => {
  const { gateway, token } = await startScene(t, { config: { limits: { bodyBytes: 1024 } } })
  const head = (authorization: string, length: number): string => `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const stranger = await openConnection(t, gateway.origin)
  stranger.write(head('', 1_000_000))
  await stranger.until('HTTP/1.1 401')
  const known = await openConnection(t, gateway.origin)
  known.write(head(`Authorization: Bearer ${token}\r\n`, 1_000_000))
  await known.until('HTTP/1.1 413')
})

t.test('a client that breaks off inside its body is no failure of ours', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  const client = await openConnection(t, gateway.origin)
  client.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"jsonrpc"`)
  t.equal((await gateway.post(token, CALL)).status, 200)
  client.socket.destroy()
  t.match(await gateway.logged(({ event, complete }) => event === 'request' && complete === false), { httpStatus: 499 })
  t.notOk(gateway.log.some(({ event }) => event === 'failure'), 'and not logged as one')
  t.equal(upstream.received.length, 1)
})

t.test('smuggling: two readings of where a body ends are refused', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  const smuggled = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n'
  for (const headers of [
    `Content-Length: 5\r\nContent-Length: ${smuggled.length}\r\n`,
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity\r\nContent-Length: 5\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding : chunked\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Content-Length: +5\r\n',
    'Content-Length: 5, 6\r\n'
  ]) {
    const client = await openConnection(t, gateway.origin)
    client.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${headers}\r\n0\r\n\r\n${smuggled}`)
    await client.closed
    t.match(client.received(), /^HTTP\/1\.1 400 /, headers)
  }
  t.equal(upstream.received.length, 0)
})

t.test('A10: the message of a stranger is never parsed', async (t) => {
  const { gateway } = await startScene(t)
  for (const body of ['{', '['.repeat(100_000), Buffer.from([0xff])]) {
    const { status } = await send(gateway.origin, { method: 'POST', target: '/mcp', headers: { 'Content-Type': TYPE }, body })
    t.equal(status, 401)
  }
})
