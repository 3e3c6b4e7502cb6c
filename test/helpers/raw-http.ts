import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they stand on the wire. */
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface RawRequest {
  readonly method?: string
  /** The request target exactly as it is sent. */
  readonly path: string
  /** A flat list is sent in its order and casing, repetitions included. */
  readonly headers?: Readonly<Record<string, string>> | readonly string[]
  readonly body?: string | Buffer
}

/** Sends one request on a connection of its own, with headers and targets that fetch would refuse or rewrite. */
export function send (origin: string, { method = 'GET', path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(origin)
  const list = Array.isArray(headers) ? [...headers as readonly string[]] : Object.entries(headers).flat()
  if (!hasHeader(list, 'host')) list.unshift('Host', host)
  if (body !== undefined && !hasHeader(list, 'content-length') && !hasHeader(list, 'transfer-encoding')) list.push('Content-Length', String(Buffer.byteLength(body)))
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, method, path, headers: list as never, agent: false, setHost: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: Buffer.concat(chunks).toString()
      }))
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function hasHeader (list: readonly string[], name: string): boolean {
  return list.some((entry, index) => index % 2 === 0 && entry.toLowerCase() === name)
}

/** One TCP connection, written and read byte by byte. */
export interface RawConnection {
  readonly socket: Socket
  write (text: string): void
  /** All that has arrived so far. */
  received (): string
  /** Resolves with all that has arrived once it holds `text`; rejects when the connection ends before. */
  until (text: string): Promise<string>
  /** Resolves when the peer has closed: `end` after a FIN, `reset` after an error. */
  readonly closed: Promise<'end' | 'reset'>
}

/** Opens a TCP connection and closes it after the test. */
export async function openConnection (t: Test, origin: string): Promise<RawConnection> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => { socket.destroy() })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return watch(socket)
}

function watch (socket: Socket): RawConnection {
  let received = ''
  let isReset = false
  const waiting = new Set<() => void>()
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    for (const look of [...waiting]) look()
  })
  socket.on('error', () => { isReset = true })
  const closed = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('close', () => {
      resolve(isReset ? 'reset' : 'end')
      for (const look of [...waiting]) look()
    })
  })
  return {
    socket,
    closed,
    write: (text) => { socket.write(text, 'latin1') },
    received: () => received,
    until: (text) => new Promise((resolve, reject) => {
      function look (): void {
        if (!received.includes(text) && !socket.closed) return
        waiting.delete(look)
        if (received.includes(text)) resolve(received)
        else reject(new Error(`the connection closed without ${JSON.stringify(text)}; received ${JSON.stringify(received)}`))
      }
      waiting.add(look)
      look()
    })
  }
}

/** An upstream that speaks what it likes on each connection. */
export interface RawUpstream {
  readonly origin: string
  /** Whole requests so far, as text. */
  readonly requests: string[]
  /** Connections accepted so far. */
  readonly connections: () => number
  stop (): Promise<void>
}

/** Starts a TCP server that calls `answer` for each whole request (one with Content-Length or without body). */
export async function startRawUpstream (t: Test, answer: (socket: Socket, request: string) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    let pending = ''
    socket.on('error', () => {})
    socket.once('close', () => { sockets.delete(socket) })
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1')
      for (let length = requestLength(pending); length !== undefined; length = requestLength(pending)) {
        const text = pending.slice(0, length)
        pending = pending.slice(length)
        requests.push(text)
        answer(socket, text)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  async function stop (): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => { server.close(() => resolve()) })
  }
  t.after(stop)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, connections: () => connections, stop }
}

function requestLength (text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1] ?? 0)
  const end = headEnd + 4 + length
  return text.length >= end ? end : undefined
}
