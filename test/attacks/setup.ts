import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Test } from 'tap'
import { startGateway, toolCall, type TestGateway, type TestGatewayOptions } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { startUpstream, type ReceivedRequest, type TestUpstream } from '../helpers/upstream.js'

/** What every attack starts from: a gateway that works, a token for it, and the upstream's view of what got through. */
export interface Scene {
  readonly gateway: TestGateway
  readonly issuer: TestIssuer
  readonly upstream: TestUpstream
  /** A token that this resource accepts, with both scopes. */
  readonly token: string
  /** A token that this resource accepts, with `todo:read` alone. */
  readonly readToken: string
}

/** Starts a gateway in front of an upstream that remembers what reached it. */
export async function setScene (t: Test, options: Partial<TestGatewayOptions> = {}): Promise<Scene> {
  const issuer = await startIssuer(t, options.clock === undefined ? {} : { now: options.clock.now })
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer, ...options })
  return {
    gateway,
    issuer,
    upstream,
    token: await issuer.token({ aud: gateway.resource }),
    readToken: await issuer.token({ aud: gateway.resource, scope: 'todo:read' })
  }
}

/** Where requests are sent to. */
export type Door = Pick<TestGateway, 'origin' | 'resource'>

export interface RawAnswer {
  /** Everything that came back, until the gateway closed the connection or had nothing more to say. */
  readonly text: string
  /** Status codes in the order of the answers. */
  readonly statuses: readonly number[]
}

/**
 * Writes bytes to the gateway as they are, without an HTTP client that would tidy them up, and returns what came back.
 * Once there are as many answers as expected or the gateway has closed the connection, whatever else the same bytes
 * started has had its turn before another request was answered.
 */
export async function sendRaw (gateway: Door, bytes: string | Buffer | ReadonlyArray<string | Buffer>, answers = 1): Promise<RawAnswer> {
  return exchange(gateway, bytes, answers, async () => { await (await fetch(`${gateway.origin}/health`)).arrayBuffer() })
}

/** Sends one whole request and returns its answer. */
export async function sendOne (gateway: Door, request: RawRequest): Promise<RawAnswer> {
  return exchange(gateway, rawRequest(gateway, request), 1)
}

async function exchange (gateway: Door, bytes: string | Buffer | ReadonlyArray<string | Buffer>, answers: number, settle = async (): Promise<void> => {}): Promise<RawAnswer> {
  const socket = await openSocket(gateway)
  const parts = (Array.isArray(bytes) ? bytes as ReadonlyArray<string | Buffer> : [bytes as string | Buffer])
    .map((part) => typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
  const isHead = parts.at(-1)?.subarray(0, 5).toString() === 'HEAD '
  let text = ''
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (statusesIn(text).length >= answers && isWhole(text, isHead)) resolve()
    })
    socket.once('close', () => resolve())
    if (answers === 0) resolve()
  })
  for (const part of parts) socket.write(part)
  await answered
  await settle()
  socket.destroy()
  return { text, statuses: statusesIn(text) }
}

/** Opens a connection to the gateway. */
export async function openSocket (gateway: Door): Promise<Socket> {
  const { hostname, port } = new URL(gateway.origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.on('error', () => {}) // a reset is an answer, too
  return socket
}

function statusesIn (text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1])).filter((status) => status !== 100)
}

/** Whether the last answer has arrived with all of its body, as far as its head says how long that is. */
function isWhole (text: string, isHead: boolean): boolean {
  const start = text.lastIndexOf('HTTP/1.1 ')
  const end = text.indexOf('\r\n\r\n', start)
  if (end === -1) return false
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(start, end))?.[1] ?? 0)
  return isHead || text.length >= end + 4 + length
}

export interface RawRequest {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** Undefined leaves the credentials out. */
  readonly token?: string | undefined
  /** Complete header lines, without their line ends. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
  /** Default: what the body needs; `false` leaves the framing to `headers`. */
  readonly contentLength?: number | false
}

/** Returns the bytes of a request; by default a POST that is in order but for its missing token. */
export function rawRequest (gateway: Door, request: RawRequest = {}): Buffer {
  const { method = 'POST', target = new URL(gateway.resource).pathname, version = 'HTTP/1.1', token, headers = [], body = '' } = request
  const bytes = Buffer.from(body as string, 'utf8')
  const length = request.contentLength ?? bytes.length
  const head = [
    `${method} ${target} ${version}`,
    ...(headers.some((line) => /^host\s*:/i.test(line)) ? [] : [`Host: ${new URL(gateway.origin).host}`]),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(method === 'POST' && !headers.some((line) => /^content-type\s*:/i.test(line)) ? ['Content-Type: application/json'] : []),
    ...(length === false || (length === 0 && method !== 'POST') ? [] : [`Content-Length: ${length}`]),
    ...headers
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n') + '\r\n\r\n', 'latin1'), bytes])
}

/** The JSON text of a call that `todo:read` is not enough for. */
export const FORBIDDEN_CALL = JSON.stringify(toolCall('delete_todo'))
/** The JSON text of a call that `todo:read` permits. */
export const PERMITTED_CALL = JSON.stringify(toolCall('list_todos'))

export interface Refused {
  readonly status: number
  /** Code of the JSON-RPC error. */
  readonly code?: number
}

/** Shows that a request is refused so, and that nothing of it reached the upstream. */
export async function refuses (t: Test, { gateway, upstream }: Scene, name: string, request: RawRequest, { status, code }: Refused): Promise<string> {
  const before = upstream.received.length
  const { statuses, text } = await sendOne(gateway, request)
  const title = printable(name)
  t.same(statuses, [status], title)
  if (code !== undefined) t.equal(rpcCodeIn(text), code, `${title}: JSON-RPC error ${code}`)
  t.same(receivedBy(upstream).slice(before), [], `${title}: nothing is forwarded`)
  return text
}

/** A name for a test, of whatever characters the attack is made. */
export function printable (name: string): string {
  const text = name.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length <= 150 ? text : `${text.slice(0, 150)}...`
}

function rpcCodeIn (text: string): number | undefined {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  return (JSON.parse(body) as { error?: { code?: number } }).error?.code
}

/** Shows that a request is permitted, and returns what reached the upstream. */
export async function permits (t: Test, { gateway, upstream }: Scene, name: string, request: RawRequest): Promise<ReceivedRequest> {
  const before = upstream.received.length
  const { statuses } = await sendOne(gateway, request)
  const title = printable(name)
  t.match(statuses, [/^20[02]$/], title)
  t.equal(upstream.received.length, before + 1, `${title}: is forwarded once`)
  const received = upstream.received[before] as ReceivedRequest
  t.ok(Buffer.from(request.body as string ?? '').equals(received?.body), `${title}: with the same bytes`)
  return received
}

/** Shows that the gateway still works: a permitted call gets through, and nothing but it. */
export async function stillWorks (t: Test, { gateway, upstream, token }: Scene): Promise<void> {
  const before = upstream.received.length
  const response = await gateway.post(token, PERMITTED_CALL)
  t.equal(response.status, 200, 'a normal call still works')
  await response.arrayBuffer()
  t.equal(upstream.received.length, before + 1, 'and is all that the upstream received')
}

/** The requests that reached the upstream, as `METHOD target`. */
export function receivedBy (upstream: TestUpstream): string[] {
  return upstream.received.map(({ method, url }) => `${method} ${url}`)
}
