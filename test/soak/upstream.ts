import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** An upstream that can be restarted at its port. */
export interface RestartableUpstream {
  /** Breaks all connections, and listens again after the pause. */
  restart (pauseMs: number): Promise<void>
  stop (): Promise<void>
}

const TOOLS = ['list_todos', 'get_todo', 'delete_todo'].map((name) => ({ name, inputSchema: { type: 'object' } }))
const EVENT_MS = 200

/** Starts it. Calls are answered at once, streams send an event now and then. */
export async function startUpstream (port: number): Promise<RestartableUpstream> {
  let server = await listen(port)
  const stop = (): Promise<void> => new Promise((resolve) => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  })
  return {
    stop,
    async restart (pauseMs) {
      await stop()
      await new Promise((resolve) => { setTimeout(resolve, pauseMs) })
      server = await listen(port)
    }
  }
}

function listen (port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => { resolve(server) })
  })
}

async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const timer = setInterval(() => {
      response.write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
    }, EVENT_MS)
    response.once('close', () => { clearInterval(timer) })
    return
  }
  const { id, method } = JSON.parse(body) as { id: number, method: string }
  const result = method === 'tools/list' ? { tools: TOOLS } : { content: [] }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}
