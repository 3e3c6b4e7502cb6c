import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { UpstreamRequest } from '../../src/upstream/upstream.js'

/** A request as it reached the upstream. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** A message as the gateway sends it to an upstream. */
export const MESSAGE: UpstreamRequest = {
  method: 'POST',
  path: '/mcp',
  headers: { host: 'inner', 'content-type': 'application/json' },
  body: Buffer.from('{}'),
  longLived: false
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** A real HTTP server that stands behind the gateway, and remembers what reached it. */
export interface TestUpstream {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly received: ReceivedRequest[]
  /** How it answers; replace it at any time. The default repeats the id in an empty result. */
  answer: Answer
  /** Connections that are open now. */
  readonly connections: () => number
  /** Connections accepted so far. */
  readonly accepted: () => number
  /** Stops listening and breaks all connections. */
  stop (): Promise<void>
}

/** Starts an upstream and stops it after the test. */
export async function startUpstream (t: Test, answer: Answer = answerEmptyResult): Promise<TestUpstream> {
  let open = 0
  let accepted = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      self.received.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body
      })
      self.answer(request, response, body)
    })
  })
  server.on('connection', (socket) => {
    open++
    accepted++
    socket.once('close', () => { open-- })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: TestUpstream = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer,
    connections: () => open,
    accepted: () => accepted,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
  t.after(() => self.stop())
  return self
}

function answerEmptyResult (_request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const id: unknown = body.length === 0 ? undefined : (JSON.parse(body.toString()) as { id?: unknown }).id
  if (id === undefined) {
    response.writeHead(202).end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({ jsonrpc: '2.0', id, result: {} })
  )
}
