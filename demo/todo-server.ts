import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  localhostHostValidation, hostHeaderValidation, localhostOriginValidation, toNodeHandler
} from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer, type McpRequestContext } from '@modelcontextprotocol/server'
import { isLoopback, listen, stopListening } from './listen.js'
import { registerTodoTools } from './todo-tools.js'
import { createTodoStore, type TodoStoreOptions } from './todos.js'

export interface TodoServerOptions extends TodoStoreOptions {
  /** Default 127.0.0.1: the server has no authentication. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Accepted `Host` names, without port. Default: loopback names on a loopback address, any elsewhere. */
  readonly hosts?: readonly string[]
}

export interface TodoServer {
  /** The MCP endpoint. */
  readonly url: string
  close (): Promise<void>
}

/**
 * Starts the todo MCP server (streamable HTTP, every protocol revision, no sessions) and returns
 * its URL. `x-postern-subject` says whose todos a request works on (behaviour F2). The server believes
 * it: it must be reachable only through the gateway.
 * Throws PortTaken when the port is in use.
 */
export async function startTodoServer (options: TodoServerOptions): Promise<TodoServer> {
  const { host = '127.0.0.1', port } = options
  const store = createTodoStore(options)
  // One server object per request: a shared one answers the wrong client (CVE-2026-25536).
  const mcp = createMcpHandler((context) => {
    const server = new McpServer({ name: 'todo-server', title: 'Todo Server', version: '1.0.0' })
    registerTodoTools(server, store.of(readSubject(context)))
    return server
  })
  // The adapter is made for Node's objects, but its types do not know exactOptionalPropertyTypes.
  const answerMcp = toNodeHandler(mcp) as Handler
  const isAllowed = createGuard(host, options.hosts)

  const server: Server = createServer((request, response) => {
    route(request, response, isAllowed, answerMcp)
  })
  const boundPort = await listen(server, { host, port, purpose: 'todo server' })

  return {
    url: `http://${isLoopback(host) ? host : 'localhost'}:${boundPort}/mcp`,
    async close () {
      await mcp.close()
      await stopListening(server)
    }
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

function route (
  request: IncomingMessage, response: ServerResponse, isAllowed: Guard, answerMcp: Handler
): void {
  const path = request.url?.split('?')[0]
  if (path === '/health') return sendJson(response, 200, { status: 'healthy' })
  if (path !== '/mcp') return sendJson(response, 404, { error: 'not found' })
  if (!isAllowed(request, response)) return
  if (decodeSubject(request.headers['x-postern-subject']) === undefined) {
    return sendJson(response, 400, { error: 'x-postern-subject is not a percent-encoded subject' })
  }
  answerMcp(request, response)
}

type Guard = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * Returns what keeps out DNS rebinding: a page that a browser believes to be at this address must get
 * no data (MCP transports, Security Warning).
 */
function createGuard (host: string, hosts: readonly string[] | undefined): Guard {
  if (hosts !== undefined) return hostHeaderValidation([...hosts])
  if (!isLoopback(host)) return () => true
  const hasLocalHost = localhostHostValidation()
  const hasLocalOrigin = localhostOriginValidation()
  return (request, response) => hasLocalHost(request, response) && hasLocalOrigin(request, response)
}

function readSubject ({ requestInfo }: McpRequestContext): string {
  const subject = requestInfo && decodeSubject(requestInfo.headers.get('x-postern-subject') ?? undefined)
  if (subject === undefined) throw new Error('the request reached the tools without a readable subject')
  return subject
}

/** Returns the subject; undefined for an unreadable header, so that it does not become a subject. */
function decodeSubject (header: string | string[] | undefined): string | undefined {
  if (header === undefined) return 'anonymous'
  if (typeof header !== 'string' || header === '') return undefined
  try {
    return decodeURIComponent(header)
  } catch {
    return undefined
  }
}

function sendJson (response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
