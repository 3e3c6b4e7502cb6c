import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { FastMCP } from 'fastmcp'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { startTodoServer } from '../../demo/todo-server.js'
import { startGateway, type TestGateway } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { findFreePort } from '../helpers/ports.js'

const POLICY = { tools: { whoami: 'read', count: 'read', added: 'read', erase: 'admin' } }

interface FastMcpOptions {
  readonly endpoint: '/mcp' | '/'
  readonly stateless: boolean
}

// A type and not an interface: FastMCP asks for an index signature.

type Caller = { subject: string | undefined, authorization: string | undefined }

/** Starts a FastMCP server, which believes the identity headers, and returns it with its URL. */
async function startFastMcp (
  t: Test, { endpoint, stateless }: FastMcpOptions
): Promise<{ server: FastMCP<Caller>, url: string }> {
  const quiet = { debug () {}, error () {}, info () {}, log () {}, warn () {} }
  const server = new FastMCP<Caller>({
    name: 'fastmcp',
    version: '1.0.0',
    logger: quiet,
    authenticate: async (request) => ({ subject: String(request?.headers['x-postern-subject']), authorization: request?.headers.authorization })
  })
  server.addTool({ name: 'whoami', execute: async (_args, { session }) => JSON.stringify(session) })
  server.addTool({ name: 'erase', execute: async () => 'erased' })
  server.addTool({
    name: 'count',
    parameters: z.object({ to: z.number() }),
    async execute ({ to }, { reportProgress }) {
      for (let progress = 1; progress <= to; progress++) await reportProgress({ progress, total: to })
      return 'counted'
    }
  })
  const port = await findFreePort()
  await server.start({ transportType: 'httpStream', httpStream: { host: '127.0.0.1', port, endpoint, stateless } })
  t.after(() => server.stop())
  return { server, url: `http://127.0.0.1:${port}${endpoint}` }
}

interface Connected {
  readonly client: V1Client
  readonly transport: V1Transport
  /** Resolves once the client has its own stream, on which the server can say something unasked. */
  readonly listens: Promise<void>
}

async function connectV1 (t: Test, url: string, token: string): Promise<Connected> {
  const client = new V1Client({ name: 'postern-test', version: '1.0.0' })
  let heard: () => void
  const listens = new Promise<void>((resolve) => { heard = resolve })
  const transport = new V1Transport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    async fetch (input, init) {
      const response = await fetch(input, init)
      if (init?.method === 'GET' && response.ok) heard()
      return response
    }
  })
  t.after(() => client.close())
  await client.connect(transport as Parameters<V1Client['connect']>[0])
  return { client, transport, listens }
}

function textOf (result: unknown): string {
  return (result as { content: { text: string }[] }).content[0]?.text ?? ''
}

async function start (
  t: Test, upstream: string, path: string
): Promise<{ gateway: TestGateway, issuer: TestIssuer, token: string }> {
  const issuer = await startIssuer(t)
  const gateway = await startGateway(t, { upstream, issuer: issuer.issuer, path, config: { policy: POLICY } })
  return { gateway, issuer, token: await issuer.token({ aud: gateway.resource, sub: 'ada', scope: 'read' }) }
}

const places: { endpoint: '/mcp' | '/', stateless: boolean, path: string }[] = [
  { endpoint: '/mcp', stateless: false, path: '/mcp' },
  { endpoint: '/mcp', stateless: true, path: '/mcp' },
  { endpoint: '/', stateless: false, path: '/mcp' },
  { endpoint: '/mcp', stateless: false, path: '/' },
  { endpoint: '/', stateless: true, path: '/' }
]

for (const { endpoint, stateless, path } of places) {
  t.test(`FastMCP at ${endpoint}, ${stateless ? 'stateless' : 'with sessions'}, works as the protected resource ${path}`, async (t) => {
    const { url } = await startFastMcp(t, { endpoint, stateless })
    const { gateway, token } = await start(t, url, path)
    const { client, transport } = await connectV1(t, gateway.resource, token)

    t.same((await client.listTools()).tools.map(({ name }) => name).sort(), ['count', 'whoami'])
    t.same(JSON.parse(textOf(await client.callTool({ name: 'whoami' }))), { subject: 'ada' }, 'it learns who calls, and not the token')
    await t.rejects(client.callTool({ name: 'erase' }), /insufficient_scope|403/)

    const progress: number[] = []
    t.equal(textOf(await client.callTool({ name: 'count', arguments: { to: 3 } }, undefined, { onprogress: (update) => progress.push(update.progress) })), 'counted')
    t.same(progress, [1, 2, 3], 'what it says on the way arrives')
    if (!stateless) {
      await transport.terminateSession()
      t.equal(transport.sessionId, undefined, 'the session can be ended')
    }
  })
}

t.test('what FastMCP says unasked reaches the client on its own stream', async (t) => {
  const { server, url } = await startFastMcp(t, { endpoint: '/mcp', stateless: false })
  const { gateway, token } = await start(t, url, '/mcp')
  const { client, listens } = await connectV1(t, gateway.resource, token)
  const changed = new Promise<void>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => { resolve() })
  })
  await listens
  server.addTool({ name: 'added', execute: async () => 'new' })
  await changed
  t.ok((await client.listTools()).tools.some(({ name }) => name === 'added'))
})

t.test('a session of FastMCP is worth nothing to another principal', async (t) => {
  const { url } = await startFastMcp(t, { endpoint: '/mcp', stateless: false })
  const { gateway, issuer, token } = await start(t, url, '/mcp')
  const { client, transport } = await connectV1(t, gateway.resource, token)
  const list = (accessToken: string): Promise<Response> => gateway.post(accessToken, { jsonrpc: '2.0', id: 9, method: 'tools/list' }, {
    headers: { 'mcp-session-id': transport.sessionId ?? '', 'mcp-protocol-version': '2025-11-25' }
  })
  t.equal((await list(await issuer.token({ aud: gateway.resource, sub: 'eve', scope: 'read' }))).status, 404)
  t.equal((await list(await issuer.token({ aud: gateway.resource, sub: 'ada', scope: 'read', jti: 'refreshed' }))).status, 200)
  t.ok((await client.listTools()).tools.length > 0)
})

/**
 * Starts a server that serves at `/mcp/` and sends whoever asks for `/mcp` there, as Starlette's and
 * Express's routers do.
 */
async function startRedirectingServer (t: Test, location: (origin: string) => string): Promise<string> {
  const todos = await startTodoServer({ port: 0 })
  t.after(() => todos.close())
  const server = createServer((request, response) => {
    if (request.url !== '/mcp/') {
      response.writeHead(307, { location: location(`http://${request.headers.host}`) }).end()
      return
    }
    const { host, connection, 'transfer-encoding': chunked, ...headers } = request.headers
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      fetch(todos.url, { method: 'POST', headers: headers as Record<string, string>, body: Buffer.concat(chunks) }).then(async (inner) => {
        response.writeHead(inner.status, { 'content-type': inner.headers.get('content-type') ?? 'text/plain' }).end(await inner.text())
      }, () => response.destroy())
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

for (const [name, location] of Object.entries({ 'a path': () => '/mcp/', 'its whole URL': (origin: string) => `${origin}/mcp/` })) {
  t.test(`an upstream that redirects /mcp to /mcp/ with ${name} works as if it did not`, async (t) => {
    const issuer = await startIssuer(t)
    const gateway = await startGateway(t, {
      upstream: await startRedirectingServer(t, location),
      issuer: issuer.issuer
    })
    const token = await issuer.token({ aud: gateway.resource })
    const client = new ModernClient({ name: 'postern-test', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    t.after(() => client.close())
    await client.connect(new ModernTransport(new URL(gateway.resource), { requestInit: { headers: { authorization: `Bearer ${token}` } } }))
    t.match(await client.callTool({ name: 'create_todo', arguments: { title: 'once' } }), { structuredContent: { todo: { title: 'once' } } })
    t.match(await client.callTool({ name: 'list_todos', arguments: {} }), { structuredContent: { todos: [{ title: 'once' }] } }, 'and was not sent twice')

    const { client: v1 } = await connectV1(t, gateway.resource, token)
    t.match(await v1.callTool({ name: 'list_todos', arguments: {} }), { structuredContent: { todos: [{ title: 'once' }] } })
  })
}
