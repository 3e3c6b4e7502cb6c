import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { defer } from '../helpers/deferred.js'
import { startGateway } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startScene, type Scene } from '../helpers/scene.js'
import { startUpstream, type Answer } from '../helpers/upstream.js'

const VERSION = '2026-07-28'
const META = { 'io.modelcontextprotocol/protocolVersion': VERSION, 'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': {} }

const QUERY_TOOL = {
  name: 'query',
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      limit: { type: 'integer', 'x-mcp-header': 'Limit' },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
      nested: { type: 'object', properties: { zone: { type: 'string', 'x-mcp-header': 'Zone' } } }
    }
  }
}
const PLAIN_TOOL = { name: 'plain', inputSchema: { type: 'object', properties: { items: { type: 'array', items: { type: 'string', 'x-mcp-header': 'Nowhere' } } } } }

/** Arguments, headers, and whether they agree. */
const CASES: ReadonlyArray<readonly [args: string, headers: Record<string, string>, agrees: boolean]> = [
  ['{"region":"eu"}', { 'mcp-param-region': 'eu' }, true],
  ['{"region":"eu"}', { 'mcp-param-region': '=?base64?ZXU=?=' }, true],
  ['{"region":"Hello, 世界"}', { 'mcp-param-region': '=?base64?SGVsbG8sIOS4lueVjA==?=' }, true],
  ['{"region":"eu"}', { 'mcp-param-region': 'us' }, false],
  ['{"region":"eu"}', {}, false],
  ['{"region":null}', {}, true],
  ['{"region":null}', { 'mcp-param-region': 'null' }, false],
  ['{}', {}, true],
  ['{}', { 'mcp-param-region': 'eu' }, false],
  ['{"limit":42}', { 'mcp-param-limit': '42.0' }, true],
  ['{"limit":42.0}', { 'mcp-param-limit': '42' }, true],
  ['{"limit":4.2e1}', { 'mcp-param-limit': '42' }, true],
  ['{"limit":42}', { 'mcp-param-limit': '0x2a' }, false],
  ['{"limit":42}', { 'mcp-param-limit': '43' }, false],
  ['{"limit":9007199254740993}', { 'mcp-param-limit': '9007199254740992' }, false],
  ['{"limit":9007199254740993}', { 'mcp-param-limit': '9007199254740993' }, true],
  ['{"dry":true}', { 'mcp-param-dry': 'true' }, true],
  ['{"dry":true}', { 'mcp-param-dry': 'True' }, false],
  ['{"nested":{"zone":"a"}}', { 'mcp-param-zone': 'a' }, true],
  ['{"nested":{"zone":"a"}}', { 'mcp-param-zone': 'b' }, false],
  ['{"nested":{"zone":"a"},"zone":"b"}', { 'mcp-param-zone': 'b' }, false],
  ['{"region":["eu"]}', { 'mcp-param-region': 'eu' }, false],
  ['{"region":"eu"}', { 'mcp-param-region': 'eu', mcp_param_region: 'us' }, false],
  ['{"region":"eu","other":1}', { 'mcp-param-region': 'eu', 'mcp-param-other': '2' }, true],
  ['{"region":"eu","Region":"us"}', { 'mcp-param-region': 'eu' }, false]
]

t.test('M6: headers that repeat arguments are checked once the tool was listed', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t, (_request, response, body) => {
    const { id, method } = JSON.parse(body.toString()) as { id: unknown, method: string }
    const result = method === 'tools/list' ? { resultType: 'complete', tools: [QUERY_TOOL, PLAIN_TOOL] } : { resultType: 'complete', content: [] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer, config: { policy: { tools: { query: 'todo:write', plain: true } } } })
  const token = await issuer.token({ aud: gateway.resource })
  const modern = (method: string, name?: string): Record<string, string> =>
    ({ 'mcp-protocol-version': VERSION, 'mcp-method': method, ...(name === undefined ? {} : { 'mcp-name': name }) })
  const call = async (
    name: string, args: string, headers: Record<string, string>
  ): Promise<Response> => gateway.post(token,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":${JSON.stringify(META)},"name":"${name}","arguments":${args}}}`,
    { headers: { ...modern('tools/call', name), ...headers } })

  t.equal((await call('query', '{"region":"eu"}', { 'mcp-param-region': 'us' })).status, 200, 'a tool that was never listed is forwarded as it is')

  // Learned from what a caller without the scope for it asked: it is cut from that caller's list all the
  // same.
  const reader = await issuer.token({ aud: gateway.resource, scope: 'todo:read' })
  const list = await gateway.post(reader, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } }, { headers: modern('tools/list') })
  t.match(await list.json(), { result: { tools: [{ name: 'plain' }], cacheScope: 'private' } })

  for (const [args, headers, agrees] of CASES) {
    const before = upstream.received.length
    const response = await call('query', args, headers)
    const what = `${args} with ${JSON.stringify(headers)}`
    if (agrees) t.equal(response.status, 200, what)
    else t.match([response.status, await response.json()], [400, { id: 1, error: { code: -32020 } }], what)
    t.equal(upstream.received.length - before, agrees ? 1 : 0, `${what}: forwarded or not`)
  }
  t.equal((await call('plain', '{"items":["a"]}', { 'mcp-param-nowhere': 'b' })).status, 200, 'an annotation that is not reached by properties means nothing')
  const legacy = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'query', arguments: { region: 'eu' } } })
  t.equal(legacy.status, 200, 'legacy revisions have no such headers')
})

t.test('M6: a tool whose annotated arguments differ only in spelling does not cost the list', async (t) => {
  const issuer = await startIssuer(t)
  const property = (header: string): object => ({ type: 'string', 'x-mcp-header': header })
  const twins = { name: 'twins', inputSchema: { type: 'object', properties: { user_id: property('One'), userId: property('Other') } } }
  const upstream = await startUpstream(t, (_request, response, body) => {
    const { id } = JSON.parse(body.toString()) as { id: unknown }
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [twins, PLAIN_TOOL] } }))
  })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer, config: { policy: { tools: { '*': true } } } })
  const token = await issuer.token({ aud: gateway.resource })
  const list = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'tools/list' })
  t.match(await list.json(), { result: { tools: [{ name: 'twins' }, { name: 'plain' }] } })
})

interface Learning extends Scene {
  list (): Promise<Response>
  /** Posts a call whose header contradicts its argument. Returns the status: 400 when the tool is known. */
  contradict (): Promise<number>
}

async function setUpLearning (t: Test, filterLists: boolean, answerList: Answer): Promise<Learning> {
  const all = await startScene(t, {
    config: { policy: { tools: { query: true }, filterLists } },
    answer (request, response, body) {
      const { id, method } = JSON.parse(body.toString()) as { id: unknown, method: string }
      if (method === 'tools/list') return answerList(request, response, body)
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
    }
  })
  const post = async (message: object, headers: Record<string, string>): Promise<Response> =>
    await all.gateway.post(all.token, { jsonrpc: '2.0', id: 1, ...message }, { headers: { 'mcp-protocol-version': VERSION, ...headers } })
  return {
    ...all,
    list: async () => await post({ method: 'tools/list', params: { _meta: META } }, { 'mcp-method': 'tools/list' }),
    async contradict () {
      const params = { _meta: META, name: 'query', arguments: { region: 'eu' } }
      const headers = { 'mcp-method': 'tools/call', 'mcp-name': 'query', 'mcp-param-region': 'us' }
      return (await post({ method: 'tools/call', params }, headers)).status
    }
  }
}

const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: [QUERY_TOOL], cacheScope: 'private' } })

for (const filterLists of [true, false]) {
  t.test(`M6: headers are learned from a list, JSON or events, with filterLists ${filterLists}`, async (t) => {
    const escaped = LIST.replaceAll('x-mcp-header', 'x\\u002dmcp-header')
    for (const [type, body] of [['application/json', LIST], ['text/event-stream', `: hi\n\ndata: ${LIST}\n\n`], ['application/json', escaped]] as const) {
      const { list, contradict } = await setUpLearning(t, filterLists, (_request, response) => {
        response.writeHead(200, { 'content-type': type }).end(body)
      })
      t.equal(await contradict(), 200, 'not listed yet')
      t.equal(await (await list()).text(), body, 'the list comes as it was sent')
      t.equal(await contradict(), 400, type)
    }
  })
}

t.test('M6: a list that is not filtered is passed on while it arrives', async (t) => {
  const half = LIST.length / 2
  const cases = [
    ['application/json', LIST.slice(0, half), LIST.slice(half)],
    ['text/event-stream', `data: ${LIST.slice(0, half)}`, `${LIST.slice(half)}\n\n`]
  ] as const
  for (const [type, first, second] of cases) {
    const opened = defer<ServerResponse>()
    const { list, contradict } = await setUpLearning(t, false, (_request, response) => {
      response.writeHead(200, { 'content-type': type }).write(first)
      opened.resolve(response)
    })
    const reader = ((await list()).body as ReadableStream<Uint8Array>).getReader()
    t.equal(new TextDecoder().decode((await reader.read()).value), first)
    t.equal(await contradict(), 200, 'the list is not complete')
    const response = await opened.promise
    response.end(second)
    t.equal(new TextDecoder().decode((await reader.read()).value), second)
    await reader.read()
    t.equal(await contradict(), 400, type)
  }
})

t.test('M6: a list that is not filtered and cannot be read is passed on, and teaches nothing', async (t) => {
  const padding = ' '.repeat(16 * 1024 * 1024)
  const cases: ReadonlyArray<readonly [
    status: number, type: string, body: string, more?: Record<string, string>
  ]> = [
    [200, 'application/json', LIST.slice(0, -1)],
    [200, 'application/json', LIST.replace('"tools"', '"tools":[],"tools"')],
    [200, 'application/json', LIST.replace('"query"', '1')],
    [200, 'application/json', `[${LIST}]`],
    [200, 'application/json', LIST + padding],
    [200, 'text/event-stream', `data: ${LIST}${padding}\n\n`],
    [200, 'text/event-stream', `data: ${LIST.slice(0, -1)}\n\ndata: ${LIST}\n\n`],
    [200, 'text/plain', LIST],
    [200, 'application/json, text/event-stream', LIST],
    [202, 'application/json', LIST],
    [200, 'application/json', LIST, { 'content-encoding': 'identity, identity' }],
    [200, 'application/json', '']
  ]
  for (const [status, type, body, more] of cases) {
    const { list, contradict } = await setUpLearning(t, false, (_request, response) => {
      response.writeHead(status, { 'content-type': type, ...more }).end(body)
    })
    const what = `${status} ${type} ${body.slice(0, 20)}`
    const response = await list()
    t.equal(response.status, status, what)
    t.ok(await response.text() === body, what)
    t.equal(await contradict(), 200, what)
  }
})
