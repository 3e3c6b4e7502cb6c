import { FastMCP } from 'fastmcp'
import t from 'tap'
import { startTodoServer } from '../../demo/todo-server.js'
import { CatalogError } from '../../src/catalog/exchange.js'
import { OldTransport } from '../../src/catalog/connection.js'
import { listCatalog } from '../../src/catalog/list.js'
import { findFreePort } from '../helpers/ports.js'
import { startUpstream } from '../helpers/upstream.js'
import { startMcpServer, type McpServerOptions } from './mcp-server.js'

const PAGES = {
  'tools/list': [[{ name: 'a' }, { name: 'b' }], [{ name: 'c' }], [{ name: 'a' }]],
  'prompts/list': [[{ name: 'p' }]],
  'resources/list': [[{ uri: 'todo://1', name: 'one' }]],
  'resources/templates/list': [[{ uriTemplate: 'todo://{id}', name: 'any' }]]
}
const NAMES = { tools: ['a', 'b', 'c'], prompts: ['p'], resources: ['todo://1'], resourceTemplates: ['todo://{id}'] }

const cases: ReadonlyArray<readonly [string, McpServerOptions, string]> = [
  ['of a modern server', {}, '2026-07-28'],
  ['of a modern server that streams', { streams: true }, '2026-07-28'],
  ['of a legacy server', { era: 'legacy' }, '2025-06-18'],
  ['of a legacy server that streams', { era: 'legacy', streams: true }, '2025-06-18']
]

for (const [name, options, revision] of cases) {
  t.test(`all pages of all lists ${name} are read`, async (t) => {
    const server = await startMcpServer(t, { pages: PAGES, ...options })
    const upstream = `${server.origin}/mcp?`.slice(0, -1)
    t.strictSame(await listCatalog({ upstream, headers: { 'X-Api-Key': 'k' } }), { revision, ...NAMES })
    for (const { url, headers, method } of server.received) {
      t.match({ url, headers }, { url: '/mcp', headers: { 'x-api-key': 'k', host: new URL(server.origin).host } }, method)
    }
    const ended = server.received.some(({ method }) => method === 'DELETE')
    t.equal(ended, options.era === 'legacy', 'a session that was begun is ended')
  })
}

t.test('only lists that the server says it has are asked for, and a template list may be missing', async (t) => {
  const server = await startMcpServer(t, { pages: { 'resources/list': [[{ uri: 'x://y' }]] }, capabilities: { resources: {} } })
  t.match(await listCatalog({ upstream: `${server.origin}/mcp`, headers: {} }), { tools: [], resources: ['x://y'], resourceTemplates: [] })
  t.notOk(server.received.some(({ body }) => body.includes('tools/list')))
})

t.test('the demo\'s todo server and FastMCP are listed', async (t) => {
  const todos = await startTodoServer({ port: 0 })
  t.teardown(() => todos.close())
  const { revision, tools } = await listCatalog({ upstream: todos.url, headers: {} })
  t.equal(revision, '2026-07-28')
  t.strictSame([...tools].sort(), ['create_todo', 'delete_todo', 'get_todo', 'list_todos', 'update_todo'])

  const quiet = { debug () {}, error () {}, info () {}, log () {}, warn () {} }
  const fast = new FastMCP({ name: 'fastmcp', version: '1.0.0', logger: quiet })
  fast.addTool({ name: 'greet', execute: async () => 'hello' })
  const port = await findFreePort()
  await fast.start({ transportType: 'httpStream', httpStream: { host: '127.0.0.1', port, endpoint: '/mcp' } })
  t.teardown(() => fast.stop())
  t.match(await listCatalog({ upstream: `http://127.0.0.1:${port}/mcp`, headers: {} }), { revision: /^2025-/, tools: ['greet'] })
})

async function problemOf (upstream: string): Promise<string> {
  return listCatalog({ upstream, headers: {} }).then(() => 'none', (error: unknown) => {
    if (error instanceof CatalogError) return error.message
    throw error
  })
}

t.test('what is no MCP endpoint is said to be none, and why', async (t) => {
  const answers: ReadonlyArray<readonly [number, string, string, RegExp]> = [
    [200, 'text/html', '<html>', /^initialize gets 200 and no result: is this an MCP endpoint\?$/],
    [404, 'text/plain', 'no', /^initialize gets 404: there is no MCP endpoint at this path$/],
    [401, 'application/json', '{"error":"invalid_token"}', /^refused: the upstream answered 401; check upstreamHeaders/],
    [403, 'text/plain', 'no', /^(refused: .* 403|initialize gets 403)/],
    [500, 'application/json', '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}', /^initialize gets 500 and no result/]
  ]
  for (const [status, type, body, problem] of answers) {
    const server = await startUpstream(t, (_request, response) => { response.writeHead(status, { 'content-type': type }).end(body) })
    t.match(await problemOf(`${server.origin}/mcp`), problem)
  }
  t.match(await problemOf('http://127.0.0.1:1/mcp'), /^unreachable: ECONNREFUSED/)
})

t.test('a server with only the transport of 2024-11-05 is recognised', async (t) => {
  const server = await startUpstream(t, (request, response) => {
    if (request.method !== 'GET') {
      response.writeHead(405).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /messages?id=1\n\n')
  })
  await t.rejects(listCatalog({ upstream: `${server.origin}/sse`, headers: {} }), OldTransport)
})
