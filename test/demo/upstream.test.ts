import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { FastMCP } from 'fastmcp'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { runDemo } from '../../demo/main.js'
import { startTodoServer } from '../../demo/todo-server.js'
import type { Tool } from '../../demo/upstream.js'
import { startGateway } from '../../src/commands/demo.js'
import { connectModernClient } from '../helpers/oauth-client.js'
import { findFreePort, occupyPort } from '../helpers/ports.js'
import { runCli, startCli } from '../helpers/process.js'
import { commandsIn, runCommands } from './printed-commands.js'

interface DemoOf {
  readonly guide: string
  readonly resource: string
  readonly issuer: string
}

/** Starts the demo with an upstream, and returns what it prints. */
async function startDemo (t: Test, upstream: string, toolRules?: Record<string, string>): Promise<DemoOf> {
  const [gatewayPort, authorizationServerPort] = [await findFreePort(), await findFreePort()]
  const lines: string[] = []
  const demo = await runDemo({
    gatewayPort,
    authorizationServerPort,
    upstream,
    ...(toolRules === undefined ? {} : { toolRules }),
    startGateway,
    print: (line) => { lines.push(line) }
  })
  t.teardown(() => demo.close())
  return {
    guide: lines.join('\n'),
    resource: `http://localhost:${gatewayPort}/mcp`,
    issuer: `http://localhost:${authorizationServerPort}`
  }
}

async function serve (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', () => { resolve() }) })
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

/** Serves a list of tools, and for everything else an empty result. */
function serveTools (t: Test, tools: readonly Tool[]): Promise<string> {
  return serve(t, (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
      const { id, method } = JSON.parse(body) as { id: number, method: string }
      const result = method === 'tools/list' ? { tools } : { content: [] }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })
  })
}

async function statusesOf (t: Test, guide: string): Promise<(string | undefined)[]> {
  return (await runCommands(t, commandsIn(guide))).map((response) => response.split('\n')[0])
}

const STEP_UP = ['HTTP/1.1 200 OK', 'HTTP/1.1 403 Forbidden', 'HTTP/1.1 200 OK']

/** The scopes of the tokens that the guide asks for, in their order. */
function scopesIn (guide: string): string[] {
  return [...guide.matchAll(/grant_type=client_credentials -d resource=\S+( -d scope='([^']*)')?/g)].map(([, , scopes = '']) => scopes)
}

function toolsIn (guide: string): string[] {
  return [...guide.matchAll(/"method":"tools\/call","params":\{"name":"([^"]+)"/g)].map(([, name = '']) => name)
}

t.test('a server whose messages stand by themselves: read, refusal, step-up', async (t) => {
  const { url, close } = await startTodoServer({ port: 0, seed: ['one'] })
  t.teardown(close)
  const { guide, resource, issuer } = await startDemo(t, url)
  t.strictSame(scopesIn(guide), ['mcp:read', 'mcp:read mcp:write'])
  t.strictSame(toolsIn(guide), ['list_todos', 'create_todo', 'create_todo'])
  t.match(guide, `Postern protects ${resource}; behind it is ${url}\n`)
  t.match(guide, 'Tools that say they only read (2 of 5) need mcp:read, all others mcp:write. Choose others with --tool \'name=scope\'.\n')
  t.strictSame(await statusesOf(t, guide), STEP_UP)

  await t.test('without a token it is closed, and the challenge leads to the authorization server', async (t) => {
    const response = await fetch(resource, { method: 'POST', body: '{}' })
    t.equal(response.status, 401)
    const metadata = await (await fetch(/resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? '')).json()
    t.match(metadata, { resource, authorization_servers: [issuer], scopes_supported: ['mcp:read', 'mcp:write'] })
  })
})

t.test('an official client finds the demo\'s authorization server, registers, signs in and calls', async (t) => {
  const { url, close } = await startTodoServer({ port: 0, seed: ['one'] })
  t.teardown(close)
  const { resource } = await startDemo(t, url)
  const { callTool, listTools } = await connectModernClient(t, resource, { subject: 'ada' })
  t.match(await callTool('create_todo', { title: 'Buy milk' }), { structuredContent: { todo: { title: 'Buy milk' } } })
  t.match(await callTool('list_todos'), { structuredContent: { todos: [{ title: 'one' }, { title: 'Buy milk' }] } })
  t.strictSame((await listTools()).length, 5)
})

t.test('a server with sessions: the guide opens one', async (t) => {
  const quiet = { debug () {}, error () {}, info () {}, log () {}, warn () {} }
  const server = new FastMCP({ name: 'sessions', version: '1.0.0', logger: quiet })
  server.addTool({ name: 'add', parameters: z.object({ a: z.number(), b: z.number() }), annotations: { readOnlyHint: true }, execute: async ({ a, b }) => String(a + b) })
  server.addTool({ name: 'erase', execute: async () => 'erased' })
  const port = await findFreePort()
  await server.start({ transportType: 'httpStream', httpStream: { host: '127.0.0.1', port, endpoint: '/mcp', stateless: false } })
  t.teardown(() => server.stop())
  const { guide } = await startDemo(t, `http://127.0.0.1:${port}/mcp`)
  t.match(guide, /^export SESSION=/m)
  const responses = await runCommands(t, commandsIn(guide))
  t.match(responses[0], /^HTTP\/1\.1 202 Accepted/, 'the session is open')
  t.match(responses[1], /^HTTP\/1\.1 200 OK\n[\s\S]*text: '2'/, 'with something for each argument')
  t.match(responses[2], /^HTTP\/1\.1 403 /)
  t.match(responses[3], /^HTTP\/1\.1 200 OK\n[\s\S]*text: 'erased'/)
})

t.test('a server of revision 2026-07-28 only', async (t) => {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'modern', version: '1.0.0' })
    server.registerTool('whoami', { annotations: { readOnlyHint: true } }, () => ({ content: [{ type: 'text', text: 'me' }] }))
    server.registerTool('erase', { annotations: { destructiveHint: true } }, () => ({ content: [{ type: 'text', text: 'erased' }] }))
    return server
  }, { legacy: 'reject' })
  const { guide } = await startDemo(t, await serve(t, toNodeHandler(handler) as RequestListener))
  t.match(guide, /-H "Mcp-Name: whoami"/)
  t.strictSame(await statusesOf(t, guide), STEP_UP)
})

t.test('rules of --tool take the place of the others, and scopes follow from them', async (t) => {
  const url = await serveTools(t, [{ name: 'find' }, { name: 'erase' }, { name: 'other' }])
  const { guide, resource } = await startDemo(t, url, { find: 'docs:read', 'er*': 'docs:write' })
  t.strictSame(scopesIn(guide), ['docs:read', 'docs:read docs:write'])
  t.strictSame(toolsIn(guide), ['erase', 'erase'], 'what does not say that it only reads is not called before it must be')
  t.match(guide, '3. It sees the tools that it may call: 200\n')
  const [list = '', ...others] = await runCommands(t, commandsIn(guide))
  t.match(list, /^HTTP\/1\.1 200 OK\n\{ tools: \[ \{ name: 'find' \} \] \}\n/)
  t.strictSame(others.map((response) => response.split('\n')[0]), STEP_UP.slice(1))
  const metadata = await (await fetch(resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp'))).json()
  t.match(metadata, { scopes_supported: ['docs:read', 'docs:write'] })
})

t.test('where one scope is enough for everything, the first token has none', async (t) => {
  const { guide } = await startDemo(t, await serveTools(t, [{ name: 'erase' }]))
  t.strictSame(scopesIn(guide), ['', 'mcp:write'])
  t.strictSame(await statusesOf(t, guide), STEP_UP)
})

t.test('a server without tools is protected, too', async (t) => {
  const { guide } = await startDemo(t, await serveTools(t, []))
  t.strictSame(await statusesOf(t, guide), ['HTTP/1.1 200 OK'])
})

t.test('rules that no tool matches', async (t) => {
  const url = await serveTools(t, [{ name: 'find' }, { name: 'erase' }])
  await t.rejects(startDemo(t, url, { fnid: 'docs:read' }), { message: `no --tool names a tool of ${url}: it has "find", "erase"` })
})

t.test('an upstream that is none', async (t) => {
  const url = `http://localhost:${await findFreePort()}/mcp`
  await t.rejects(startDemo(t, url), { name: 'DemoFailure', message: `cannot reach ${url} (ECONNREFUSED): start your MCP server, or correct --upstream` })
  const page = await serve(t, (_request, response) => { response.writeHead(404, { 'content-type': 'text/html' }).end('<p>{"id":1}') })
  await t.rejects(startDemo(t, page), { name: 'DemoFailure', message: `${page} is not an MCP endpoint (HTTP 404): --upstream takes the URL that MCP clients connect to, with its path, often /mcp` })
  const closed = await serve(t, (_request, response) => { response.writeHead(401).end() })
  await t.rejects(startDemo(t, closed), { name: 'DemoFailure', message: `${closed} asks for authentication itself (HTTP 401): switch that off in your MCP server, because Postern does it instead` })
})

t.test('on the command line', async (t) => {
  await t.test('an upstream that cannot be reached is one line and exit code 1', async (t) => {
    const url = `http://localhost:${await findFreePort()}/mcp`
    t.match(await runCli(t, ['demo', '--upstream', url]), { code: 1, stdout: '', stderr: `postern: cannot reach ${url} (ECONNREFUSED): start your MCP server, or correct --upstream\n` })
  })

  await t.test('a port that is taken is named together with its option', async (t) => {
    const taken = await occupyPort(t)
    const url = await serveTools(t, [])
    t.match(await runCli(t, ['demo', '--upstream', url, '--gateway-port', String(taken), '--authorization-server-port', String(await findFreePort())]), {
      code: 1, stderr: `postern: port ${taken} for the gateway is already in use: stop what listens there or choose another with --gateway-port\n`
    })
  })

  await t.test('rules are repeated options', async (t) => {
    const url = await serveTools(t, [{ name: 'find' }, { name: 'erase' }])
    const demo = startCli(t, [
      'demo', '--upstream', url, '--tool', 'find=docs:read', '--tool', 'er*=docs:write docs:admin',
      '--gateway-port', String(await findFreePort()), '--authorization-server-port', String(await findFreePort())
    ])
    await demo.printed(/Stop with Ctrl\+C\.\n/)
    t.strictSame(scopesIn(demo.stdout), ['docs:read', 'docs:read docs:write docs:admin'])
    demo.signal('SIGTERM')
    t.match(await demo.ended, { code: 0, stderr: '' })
  })

  for (const [args, message] of [
    [['--tool', 'find=docs:read'], '--tool needs --upstream: the todo server has its rules'],
    [['--upstream', 'http://localhost:8080/mcp', '--todo-port', '8081'], '--todo-port and --upstream exclude each other'],
    [['--upstream', 'http://todo.example.com/mcp'], '--upstream must be on this machine: localhost, 127.0.0.1 or [::1]'],
    [['--upstream', 'localhost:8080/mcp'], '--upstream must be an absolute URL: put https:// (or http://) in front'],
    [['--upstream', 'http://localhost:8080/mcp', '--tool', 'find'], '--tool "find": it names no scope; write it as name=scope, for example \'list_*=todo:read\'']
  ] as const) {
    await t.test(args.join(' '), async (t) => {
      t.match(await runCli(t, ['demo', ...args]), { code: 64, stdout: '', stderr: `postern: ${message}; see postern demo --help\n` })
    })
  }
})
