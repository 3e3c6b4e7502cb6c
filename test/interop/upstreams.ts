import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTodoServer } from '../../demo/todo-server.js'
import type { Closing } from '../helpers/closing.js'
import { findFreePort } from '../helpers/ports.js'
import { ROOT } from '../helpers/root.js'
import type { AuthorizationServerKind } from './authorization-servers/authorization-server.js'
import type { Programs } from './programs.js'
import { runServer } from './server-process.js'

/** A call, and the words that its result must contain. */
export interface Call {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly result: RegExp
}

/** What every client does at an upstream. */
export interface Task {
  /** Needs the scope `use`, which every client gets. */
  readonly allowed: Call
  /** Needs the scope `admin`, which no client gets at first. */
  readonly privileged: Call
  /** The policy lets nobody call it. */
  readonly forbidden: Pick<Call, 'tool' | 'args'>
}

export interface Surroundings {
  readonly programs: Programs
  /** A folder of its own, empty at first. */
  readonly folder: string
}

export interface Upstream {
  readonly title: string
  /** `sse` is the transport of revision 2024-11-05. */
  readonly transport: 'http' | 'sse'
  readonly task: Task
  /** Default: the demo's. */
  readonly authorizationServer?: AuthorizationServerKind
  /** Starts it on a free loopback port; returns the URL of its endpoint. Throws Missing without a program. */
  start (closing: Closing, surroundings: Surroundings): Promise<string>
}

/** Makes the command line of an upstream; the first word is a program. */
type Command = (surroundings: Surroundings, port: number) => Promise<readonly string[]>

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SOURCES = join(ROOT, 'test/interop')
const FASTMCP = join(HERE, 'servers/fastmcp-server.js')
const NODE = process.execPath
const LOOPBACK = ['--import', join(HERE, 'servers/loopback.js')]

/** Returns the upstreams, in the order of the table. */
export function listUpstreams (): readonly Upstream[] {
  return [
    http('server-everything', EVERYTHING, runEverything('streamableHttp')),
    sse('server-everything', EVERYTHING, runEverything('sse')),
    http('supergateway + server-filesystem, stateless', FILES, runSupergateway('streamableHttp')),
    http('supergateway + server-filesystem, stateful', FILES,
      runSupergateway('streamableHttp', '--stateful')),
    sse('supergateway + server-filesystem', FILES, runSupergateway('sse')),
    http('mcp-proxy + server-memory, stateful', MEMORY, runMcpProxy()),
    http('mcp-proxy + server-memory, stateless', MEMORY, runMcpProxy('--stateless')),
    sse('mcp-proxy + server-memory', MEMORY, runMcpProxy()),
    http('fastmcp (TypeScript), stateful', SUMS, runFastMcp('stateful')),
    http('fastmcp (TypeScript), stateless', SUMS, runFastMcp('stateless')),
    sse('fastmcp (TypeScript)', SUMS, runFastMcp('stateful')),
    http('@playwright/mcp', PAGES, runPlaywright),
    sse('@playwright/mcp', PAGES, runPlaywright),
    http('FastMCP (Python), stateful', SUMS, runPythonFastMcp('http', 'stateful')),
    http('FastMCP (Python), stateless', SUMS, runPythonFastMcp('http', 'stateless')),
    sse('FastMCP (Python)', SUMS, runPythonFastMcp('sse', 'stateful')),
    http('Python SDK, stateful', SUMS, runPythonSdk('stateful')),
    http('Go SDK, stateful', SUMS, runGoSdk('http', 'stateful')),
    http('Go SDK, stateless', SUMS, runGoSdk('http', 'stateless')),
    sse('Go SDK', SUMS, runGoSdk('sse', 'stateful')),
    http('Rust SDK', SUMS, runRustSdk),
    { title: 'the demo’s todo server', transport: 'http', task: TODOS, start: startTodos }
  ]
}

/** Returns an upstream behind each of the authorization servers, under their titles. */
export function listBehind (kinds: readonly AuthorizationServerKind[]): readonly Upstream[] {
  return kinds.map((authorizationServer) => ({
    title: authorizationServer.title, transport: 'http', task: TODOS, start: startTodos, authorizationServer
  }))
}

function http (title: string, task: Task, command: Command): Upstream {
  return { title, transport: 'http', task, start: startWith(command, '/mcp') }
}

function sse (title: string, task: Task, command: Command): Upstream {
  return { title: `${title}, SSE`, transport: 'sse', task, start: startWith(command, '/sse') }
}

function startWith (command: Command, path: string): Upstream['start'] {
  return async (closing, surroundings) => {
    const port = await findFreePort()
    const { folder } = surroundings
    const env = {
      PORT: `${port}`,
      HOME: folder,
      MEMORY_FILE_PATH: join(folder, 'memory.jsonl'),
      FASTMCP_CHECK_FOR_UPDATES: 'off'
    }
    await runServer(closing, await command(surroundings, port), { port, env, cwd: folder })
    return `http://127.0.0.1:${port}${path}`
  }
}

const EVERYTHING: Task = {
  allowed: { tool: 'get-sum', args: { a: 19, b: 23 }, result: /The sum of 19 and 23 is 42/ },
  privileged: { tool: 'echo', args: { message: 'from afar' }, result: /Echo: from afar/ },
  forbidden: { tool: 'get-env', args: {} }
}

function runEverything (transport: string): Command {
  return async ({ programs }) => [NODE, ...LOOPBACK, await programs.find('server-everything'), transport]
}

const FILES: Task = {
  allowed: { tool: 'list_directory', args: { path: '.' }, result: /\[FILE\] hello\.txt/ },
  privileged: { tool: 'read_text_file', args: { path: 'hello.txt' }, result: /hello from the file/ },
  forbidden: { tool: 'write_file', args: { path: 'hello.txt', content: 'overwritten' } }
}

function runSupergateway (transport: string, ...options: readonly string[]): Command {
  return async ({ programs, folder }, port) => {
    const files = join(folder, 'files')
    await mkdir(files)
    await writeFile(join(files, 'hello.txt'), 'hello from the file')
    const server = `'${NODE}' '${await programs.find('server-filesystem')}' '${files}'`
    return [
      NODE, ...LOOPBACK, await programs.find('supergateway'),
      '--stdio', server, '--outputTransport', transport, '--port', `${port}`, ...options
    ]
  }
}

const MEMORY: Task = {
  allowed: { tool: 'search_nodes', args: { query: 'nobody' }, result: /"entities":\s*\[\]/ },
  privileged: { tool: 'read_graph', args: {}, result: /"relations":\s*\[\]/ },
  forbidden: { tool: 'delete_entities', args: { entityNames: [] } }
}

function runMcpProxy (...options: readonly string[]): Command {
  return async ({ programs }, port) => [
    NODE, await programs.find('mcp-proxy'), '--host', '127.0.0.1', '--port', `${port}`, ...options,
    '--', NODE, await programs.find('server-memory')
  ]
}

/** The task at the servers that are our own. */
const SUMS: Task = {
  allowed: { tool: 'add', args: { a: 19, b: 23 }, result: /The sum is 42/ },
  privileged: { tool: 'subtract', args: { a: 19, b: 23 }, result: /The difference is -4/ },
  forbidden: { tool: 'divide', args: { a: 19, b: 23 } }
}

function runFastMcp (state: string): Command {
  return async (_surroundings, port) => [NODE, FASTMCP, `${port}`, state]
}

function runPythonFastMcp (transport: string, state: string): Command {
  const file = join(SOURCES, 'servers/fastmcp-server.py')
  return async ({ programs }, port) => [
    await programs.python('fastmcp'), file, transport, `${port}`, state
  ]
}

function runPythonSdk (state: string): Command {
  const file = join(SOURCES, 'servers/python-server.py')
  return async ({ programs }, port) => [await programs.python('fastmcp'), file, `${port}`, state]
}

function runGoSdk (transport: string, state: string): Command {
  return async ({ programs }, port) => [await programs.compiled('go-server'), transport, `${port}`, state]
}

const runRustSdk: Command = async ({ programs }, port) => [
  await programs.compiled('rust-server'), `${port}`
]

const PAGES: Task = {
  allowed: {
    tool: 'browser_navigate',
    args: { url: 'data:text/html,<title>Hello from the page</title>' },
    result: /Hello from the page/
  },
  privileged: { tool: 'browser_tabs', args: { action: 'list' }, result: /0: / },
  forbidden: { tool: 'browser_evaluate', args: { function: '() => 1' } }
}

const runPlaywright: Command = async ({ programs }, port) => [
  NODE, await programs.find('playwright-mcp'),
  '--host', '127.0.0.1', '--port', `${port}`, '--allowed-hosts', `127.0.0.1:${port}`,
  '--headless', '--isolated', '--no-sandbox', '--executable-path', await programs.chromium()
]

const TODOS: Task = {
  allowed: { tool: 'create_todo', args: { title: 'try it' }, result: /try it/ },
  privileged: { tool: 'list_todos', args: {}, result: /"todos"/ },
  forbidden: { tool: 'delete_todo', args: { todo_id: '1' } }
}

async function startTodos (closing: Closing): Promise<string> {
  const todos = await startTodoServer({ port: 0 })
  closing.after(() => todos.close())
  return todos.url
}
