import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import t, { type Test } from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { startGateway, type TestGateway, type TestGatewayOptions, toolCall } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { startScene } from '../helpers/scene.js'
import type { Answer } from '../helpers/upstream.js'

interface OldServer {
  readonly origin: string
  /** What was posted, by whom; in order. */
  readonly posted: { readonly url: string, readonly subject: string | undefined }[]
}

/**
 * An MCP server of the 2024-11-05 transport: the official one, with its streams at one path and its messages
 * at another.
 */
async function startOldServer (
  t: Test, paths: { readonly stream: string, readonly messages: string }
): Promise<OldServer> {
  const transports = new Map<string, SSEServerTransport>()
  const posted: OldServer['posted'][number][] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://old')
    if (request.method === 'GET' && url.pathname === paths.stream) {
      const transport = new SSEServerTransport(paths.messages, response)
      transports.set(transport.sessionId, transport)
      createTools().connect(transport).catch(t.fail)
      return
    }
    const transport = request.method === 'POST' && url.pathname === paths.messages ? transports.get(url.searchParams.get('sessionId') ?? '') : undefined
    if (transport === undefined) {
      response.writeHead(404).end('no such session')
      return
    }
    posted.push({ url: request.url ?? '', subject: request.headers['x-postern-subject'] as string })
    transport.handlePostMessage(request, response).catch(t.fail)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posted }
}

function createTools (): McpServer {
  const server = new McpServer({ name: 'old', version: '1.0.0' })
  for (const name of ['list_todos', 'delete_todo', 'reset']) {
    server.registerTool(name, {}, () => ({ content: [{ type: 'text', text: `done ${name}` }] }))
  }
  server.registerPrompt('weekly', {}, () => ({ messages: [] }))
  server.registerPrompt('purge', {}, () => ({ messages: [] }))
  return server
}

/** Issuer and gateway in front of an old server. */
interface Protected {
  readonly issuer: TestIssuer
  readonly gateway: TestGateway
  tokenWith (claims: Record<string, unknown>): Promise<string>
}

/** Puts a gateway in front of an old server. */
async function protect (
  t: Test, upstream: string, options: Partial<TestGatewayOptions> = {}
): Promise<Protected> {
  const issuer = await startIssuer(t, options.clock === undefined ? {} : { now: options.clock.now })
  const gateway = await startGateway(t, { upstream, issuer: issuer.issuer, path: '/sse', ...options })
  return { issuer, gateway, tokenWith: (claims) => issuer.token({ aud: gateway.resource, ...claims }) }
}

async function connect (t: Test, url: string, token: string): Promise<Client> {
  const client = new Client({ name: 'old-client', version: '1.0.0' })
  const transport = new SSEClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  t.after(() => client.close())
  await client.connect(transport as never)
  return client
}

async function toolNames (client: Client): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name)
}

/** Opens a stream and reads the path that it announces. */
async function announcedPath (t: Test, url: string, token: string): Promise<string> {
  const leave = new AbortController()
  t.after(() => leave.abort())
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' }, signal: leave.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (!text.includes('\n\n')) text += new TextDecoder().decode((await reader.read()).value)
  return /^event: endpoint\ndata: (.*)\n\n$/.exec(text)?.[1] ?? text
}

function post (gateway: TestGateway, path: string, token: string, message: unknown): Promise<Response> {
  return fetch(gateway.origin + path, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(message) })
}

t.test('F12: the official client and server of the 2024-11-05 transport work, under the policy', async (t) => {
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const { gateway, tokenWith } = await protect(t, `${old.origin}/sse`, { config: { policy: { tools: { list_todos: 'todo:read', '*_todo': 'todo:write' }, prompts: { weekly: true } } } })
  const reader = await connect(t, gateway.resource, await tokenWith({ sub: 'anna', scope: 'todo:read' }))
  t.strictSame(await toolNames(reader), ['list_todos'])
  t.strictSame((await reader.listPrompts()).prompts.map(({ name }) => name), ['weekly'])
  t.match(await reader.callTool({ name: 'list_todos' }), { content: [{ text: 'done list_todos' }] })
  const before = old.posted.length
  await t.rejects(reader.callTool({ name: 'delete_todo' }), /HTTP 403/)
  await t.rejects(reader.callTool({ name: 'reset' }), /HTTP 403/)
  t.equal(old.posted.length, before, 'a denied call does not reach the server')
  t.match(old.posted[0], { url: /^\/messages\?sessionId=[-\da-f]{36}$/, subject: 'anna' })

  const writer = await connect(t, gateway.resource, await tokenWith({ sub: 'bert', scope: 'todo:read todo:write' }))
  t.strictSame(await toolNames(writer), ['list_todos', 'delete_todo'])
  t.match(await writer.callTool({ name: 'delete_todo' }), { content: [{ text: 'done delete_todo' }] })
})

t.test('it works wherever stream and messages lie', async (t) => {
  const cases: ReadonlyArray<readonly [
    stream: string, messages: string, resource: string, upstream: string, open: string
  ]> = [
    ['/sse', '/messages/', '/', '/', '/sse'],
    ['/mcp', '/mcp/messages', '/mcp', '/mcp', '/mcp'],
    ['/a/b/sse', '/x/y', '/mcp', '/a/b', '/mcp/sse'],
    ['/sse/', '/m', '/sse/', '/sse/', '/sse/'],
    ['/sse', '/m', `/${'deep/'.repeat(50)}sse`, '/sse', `/${'deep/'.repeat(50)}sse`]
  ]
  for (const [stream, messages, path, upstream, open] of cases) {
    const old = await startOldServer(t, { stream, messages })
    const { gateway, tokenWith } = await protect(t, old.origin + upstream, { path })
    const client = await connect(t, gateway.origin + open, await tokenWith({}))
    t.match(await client.callTool({ name: 'list_todos' }), { content: [{ text: 'done list_todos' }] }, `${stream} ${messages} behind ${path}`)
    await client.close()
  }
})

t.test('lists stay whole when filterLists is off, and the endpoint is announced all the same', async (t) => {
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const policy = { tools: { list_todos: 'todo:read' }, filterLists: false }
  const { gateway, tokenWith } = await protect(t, `${old.origin}/sse`, { config: { policy } })
  t.strictSame(await toolNames(await connect(t, gateway.resource, await tokenWith({}))), ['list_todos', 'delete_todo', 'reset'])
})

t.test('F12: an announced endpoint is good for its principal alone, unaltered, and for messages alone', async (t) => {
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const { gateway, tokenWith } = await protect(t, `${old.origin}/sse`)
  const anna = await tokenWith({ sub: 'anna', client_id: 'app' })
  const path = await announcedPath(t, gateway.resource, anna)
  t.match(path, /^\/sse\/~endpoint\/[\w-]+$/)
  const call = toolCall('list_todos')
  t.equal((await post(gateway, path, anna, call)).status, 202)
  t.equal((await post(gateway, path, await tokenWith({ sub: 'anna', client_id: 'app', jti: 'refreshed', scope: 'todo:read' }), call)).status, 202, 'a refreshed token keeps it')
  const other = await tokenWith({ sub: 'anna', client_id: 'other' })
  t.equal((await post(gateway, path, other, call)).status, 202, 'so does another client of the same user')
  t.equal(old.posted.length, 3)

  t.equal((await post(gateway, path, await tokenWith({ sub: 'bert', client_id: 'app' }), call)).status, 404)
  t.equal((await post(gateway, path, await tokenWith({ sub: 'anna', client_id: 'anna' }), call)).status, 404)
  for (const altered of [`${path}A`, `${path}/`, `${path}?sessionId=1`, path.slice(0, -1), `${path.slice(0, -4)}AAAA`, '/sse/~endpoint/', `/sse/~endpoint/${Buffer.from('/messages').toString('base64url')}`]) {
    const response = await post(gateway, altered, anna, call)
    t.equal(response.status, 404, altered)
    t.match(await response.json(), { error: { data: { error: 'session_not_found' } } })
  }
  t.equal((await post(gateway, path, anna, toolCall('reset'))).status, 403, 'the policy holds there too')
  t.equal((await post(gateway, path, anna, [call])).status, 400, 'and the message is read as strictly')
  t.equal((await fetch(gateway.origin + path, { method: 'POST', body: '{}' })).status, 401, 'it is no credential')
  const get = await fetch(`${gateway.origin}${path}A`, { headers: { authorization: `Bearer ${anna}` } })
  t.match(await get.json(), { error: 'session_not_found' }, 'whatever the HTTP method')
  t.equal(old.posted.length, 3)
})

t.test('F12: a modern message needs no headers at a message endpoint, which has none, but those that come must agree', async (t) => {
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const { gateway, tokenWith } = await protect(t, `${old.origin}/sse`)
  const token = await tokenWith({ sub: 'anna' })
  const path = await announcedPath(t, gateway.resource, token)
  const modern = (name: string): unknown => {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    return { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, _meta } }
  }
  t.equal((await post(gateway, path, token, modern('list_todos'))).status, 202)
  t.equal(old.posted.length, 1)

  const denied = await post(gateway, path, token, modern('reset'))
  t.equal(denied.status, 403, 'the policy reads the body')
  const elsewhere = await post(gateway, '/sse', token, modern('list_todos'))
  t.match(await elsewhere.json(), { error: { code: -32020 } }, 'anywhere else they are required')
  for (const headers of [{ 'Mcp-Name': 'reset' }, { 'Mcp-Method': 'tools/list' }, { 'MCP-Protocol-Version': '2025-06-18' }, { 'MCP-Protocol-Version': '2026-07-28' }]) {
    const response = await fetch(gateway.origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(modern('list_todos'))
    })
    t.match(await response.json(), { error: { code: -32020 } }, JSON.stringify(headers))
  }
  t.equal(old.posted.length, 1)
})

t.test('F12: an endpoint of one resource means nothing at another', async (t) => {
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const { issuer, gateway, tokenWith } = await protect(t, `${old.origin}/sse`)
  const other = await startGateway(t, { upstream: `${old.origin}/sse`, issuer: issuer.issuer, path: '/sse' })
  const path = await announcedPath(t, gateway.resource, await tokenWith({ sub: 'anna' }))
  const response = await post(other, path, await issuer.token({ sub: 'anna', aud: other.resource }), toolCall('list_todos'))
  t.equal(response.status, 404, 'although both gateways have the same key')
})

t.test('F11: the stream ends with the token that opened it', async (t) => {
  const clock = createTestClock()
  const old = await startOldServer(t, { stream: '/sse', messages: '/messages' })
  const { gateway, tokenWith } = await protect(t, `${old.origin}/sse`, { clock })
  const response = await fetch(gateway.resource, { headers: { authorization: `Bearer ${await tokenWith({ exp: Math.floor(clock.now() / 1000) + 60 })}` } })
  clock.advance(61_000)
  t.match(await response.text(), /^event: endpoint\ndata: \S+\n\n$/)
})

/** Answers a GET with these events, as a stream that ends. */
function answerEvents (events: string): Answer {
  return (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events) }
}

t.test('an absolute URL is announced as well as a path, when it is the upstream’s own', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  for (const endpoint of [`${upstream.origin}/m?s=1`, '/m?s=1', 'm?s=1', '\t/m?s=1 ', '../m?s=1#x']) {
    upstream.answer = answerEvents(`: hello\nevent: endpoint\r\ndata: ${endpoint}\r\n\r\ndata: {}\n\n`)
    const text = await (await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}` } })).text()
    const path = /^: hello\nevent: endpoint\r\ndata: (\/mcp\/~endpoint\/[\w-]+)\r\n\r\ndata: \{\}\n\n$/.exec(text)?.[1] as string
    upstream.answer = (_request, response) => { response.writeHead(202).end() }
    t.equal((await post(gateway, path, token, toolCall('list_todos'))).status, 202)
    t.equal(upstream.received.at(-1)?.url, '/m?s=1', endpoint)
  }
})

t.test('F12: an endpoint elsewhere, or in the middle of a stream, breaks the stream off unseen', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  const cases = [
    ...['http://evil.example/m', '//evil.example/m', '\\\\evil.example/m', 'https://127.0.0.1/m', 'javascript:alert(1)', 'http://['].map((endpoint) => `event: endpoint\ndata: ${endpoint}\n\n`),
    'data: {}\n\nevent: endpoint\ndata: http://evil.example/m\n\n',
    'event: endpoint\ndata: /m\n\nevent: endpoint\ndata: /m\n\n',
    'event: x\nevent: endpoint\ndata: http://evil.example/m'
  ]
  for (const events of cases) {
    upstream.answer = answerEvents(events)
    const response = await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}` } })
    await t.rejects(response.text(), events)
  }
  t.match(await gateway.logged((line) => line['reason'] === 'upstream_redirect'), { complete: false, client: { detail: /announced message endpoint is at http:\/\/evil\.example/ } })
})

t.test('with preserveHost an upstream may announce itself by the name that it was called', async (t) => {
  const { gateway, upstream, token } = await startScene(t, { config: { preserveHost: true } })
  upstream.answer = (request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`event: endpoint\ndata: http://${request.headers.host}/m\n\n`) }
  t.match(await (await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}` } })).text(), /^event: endpoint\ndata: \/mcp\/~endpoint\//)
})

t.test('an event of that name on the response to a message is none of this transport', async (t) => {
  const events = 'event: endpoint\ndata: /m\n\n'
  const { gateway, token } = await startScene(t, { answer: answerEvents(events) })
  t.equal(await (await gateway.post(token, toolCall('list_todos'))).text(), events)
})
