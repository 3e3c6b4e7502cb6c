import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { openSocket } from './raw-connection.js'

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they stand on the wire. */
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** A request exactly as it is sent. */
export interface RawRequest {
  readonly method?: string
  readonly target: string
  /** Complete header lines, without their line ends, in their order; or values by name. */
  readonly headers?: Readonly<Record<string, string>> | readonly string[]
  readonly body?: string | Buffer
}

/**
 * Sends one request on a connection of its own, with headers and targets that fetch would refuse or rewrite,
 * and reads the response. What is not quite HTTP is for `sendOne` and `sendRaw`.
 */
export function send (
  origin: string, { method = 'GET', target, headers = {}, body }: RawRequest
): Promise<RawResponse> {
  const { hostname, port, host } = new URL(origin)
  const lines = headerLines(headers)
  if (!hasHeader(lines, 'host')) lines.unshift(`Host: ${host}`)
  const isFramed = hasHeader(lines, 'content-length') || hasHeader(lines, 'transfer-encoding')
  if (body !== undefined && !isFramed) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  const list = lines.flatMap(nameAndValue)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      hostname, port, method, path: target, headers: list as never, agent: false, setHost: false
    }, (response) => {
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

/** Returns headers as lines. */
export function headerLines (headers: NonNullable<RawRequest['headers']>): string[] {
  if (Array.isArray(headers)) return [...headers as readonly string[]]
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
}

function nameAndValue (line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon === -1) throw new Error(`no header line: ${JSON.stringify(line)}`)
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}

function hasHeader (lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.split(':', 1)[0]?.trimEnd().toLowerCase() === name)
}

/** A gateway, as far as requests are sent to it. */
export interface Endpoint {
  readonly origin: string
  /** The URL of the MCP endpoint. */
  readonly resource: string
}

export interface WireResponses {
  /** Everything that came back, until the gateway closed the connection or had nothing more to say. */
  readonly text: string
  /** Status codes in the order of the responses. */
  readonly statuses: readonly number[]
}

/**
 * Writes bytes to the gateway as they are, without an HTTP client that would tidy them up, and returns what
 * came back. Once there are as many responses as expected or the gateway has closed the connection, whatever
 * else the same bytes started has had its turn before another request was answered.
 */
export async function sendRaw (
  gateway: Endpoint, bytes: string | Buffer | ReadonlyArray<string | Buffer>, responses = 1
): Promise<WireResponses> {
  return exchange(gateway, bytes, responses, async () => {
    await (await fetch(`${gateway.origin}/health`)).arrayBuffer()
  })
}

/** Sends one whole request and returns its response. */
export async function sendOne (gateway: Endpoint, request: WireRequest): Promise<WireResponses> {
  return exchange(gateway, rawRequest(gateway, request), 1)
}

async function exchange (
  gateway: Endpoint,
  bytes: string | Buffer | ReadonlyArray<string | Buffer>,
  responses: number,
  settle = async (): Promise<void> => {}
): Promise<WireResponses> {
  const socket = await openSocket(gateway)
  const parts = (Array.isArray(bytes) ? bytes as ReadonlyArray<string | Buffer> : [bytes as string | Buffer])
    .map((part) => typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  const isHead = parts.at(-1)?.subarray(0, 5).toString() === 'HEAD '
  let text = ''
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (statusesIn(text).length >= responses && isWhole(text, isHead)) resolve()
    })
    socket.once('close', () => resolve())
    if (responses === 0) resolve()
  })
  for (const part of parts) socket.write(part)
  await answered
  await settle()
  socket.destroy()
  return { text, statuses: statusesIn(text) }
}

function statusesIn (text: string): number[] {
  const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]))
  return statuses.filter((status) => status !== 100)
}

/** Whether the last response has arrived with all of its body, as far as its head says how long that is. */
function isWhole (text: string, isHead: boolean): boolean {
  const start = text.lastIndexOf('HTTP/1.1 ')
  const end = text.indexOf('\r\n\r\n', start)
  if (end === -1) return false
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(start, end))?.[1] ?? 0)
  return isHead || text.length >= end + 4 + length
}

/** A request as bytes: a RawRequest that need not be in order, and has defaults. */
export interface WireRequest extends Partial<RawRequest> {
  readonly version?: string
  /** Undefined leaves the credentials out. */
  readonly token?: string | undefined
  readonly headers?: readonly string[]
  /** Default: what the body needs; `false` leaves the framing to `headers`. */
  readonly contentLength?: number | false
}

/** Returns the bytes of a request; by default a POST that is in order but for its missing token. */
export function rawRequest (gateway: Endpoint, request: WireRequest = {}): Buffer {
  const { method = 'POST', version = 'HTTP/1.1', token, headers = [], body = '' } = request
  const target = request.target ?? new URL(gateway.resource).pathname
  const bytes = Buffer.from(body as string, 'utf8')
  const length = request.contentLength ?? bytes.length
  const head = [
    `${method} ${target} ${version}`,
    ...(hasHeader(headers, 'host') ? [] : [`Host: ${new URL(gateway.origin).host}`]),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(method === 'POST' && !hasHeader(headers, 'content-type') ? ['Content-Type: application/json'] : []),
    ...(length === false || (length === 0 && method !== 'POST') ? [] : [`Content-Length: ${length}`]),
    ...headers
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n') + '\r\n\r\n', 'latin1'), bytes])
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

/**
 * Starts a TCP server that calls `answer` for each whole request (one with Content-Length or without body).
 */
export async function startRawUpstream (
  t: Test, answer: (socket: Socket, request: string) => void
): Promise<RawUpstream> {
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
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    stop
  }
}

function requestLength (text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1] ?? 0)
  const end = headEnd + 4 + length
  return text.length >= end ? end : undefined
}
