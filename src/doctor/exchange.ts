import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createReach, type Reach } from './reach.js'

/** Names and values. A name may occur twice: some checks are about repetitions. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>

export interface HttpRequest {
  /** Default GET. */
  readonly method?: string
  readonly url: string
  readonly headers?: HeaderList
  readonly body?: string
  /** Tells when enough of an event stream has arrived; without it no event stream is read. */
  readonly isEnough?: (text: string) => boolean
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: HeaderList
  /** The body, cut off at the size limit or at the time limit. */
  readonly text: string
}

/** Sends one request. Throws NoResponse. */
export type Send = (request: HttpRequest) => Promise<HttpResponse>

export interface SendLimits {
  /** For one exchange, including the body of the response. */
  readonly timeoutMs: number
  /** For all exchanges together. */
  readonly requests: number
  /** Replaced wherever a response repeats them, so that no report ever holds one. */
  readonly secrets: readonly string[]
  /** Where requests may lead; default: no further inside than the first one. */
  readonly reach?: Reach
}

/** There was no response; the message says why. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse'
}

const MAX_BYTES = 1_048_576
/** Levels of arrays and objects that JSON from outside may have. */
const MAX_DEPTH = 64
/** A host is given up after this many requests in a row without a response. */
const STRIKES = 2

/**
 * Returns a function that sends requests within limits. Each request has a connection of its own,
 * redirects are responses like any other, and reading is bounded in time and size.
 */
export function createSend (
  { timeoutMs, requests, secrets, reach = createReach() }: SendLimits
): Send {
  const strikes = new Map<string, number>()
  let left = requests
  return async function send (request) {
    const { origin, hostname } = new URL(request.url)
    const refused = reach.refuse(hostname)
    if (refused !== undefined) throw new NoResponse(`not sent: ${refused}`)
    if (left === 0) throw new NoResponse(`not sent: the limit of ${requests} requests is reached`)
    const missed = strikes.get(origin) ?? 0
    if (missed >= STRIKES) {
      throw new NoResponse(`not sent: ${origin} left ${missed} requests in a row without a response`)
    }
    left--
    strikes.set(origin, missed + 1)
    const response = await exchange(request, timeoutMs, reach)
      .catch((error: unknown) => { throw toNoResponse(error) })
    strikes.delete(origin)
    return redact(response, secrets)
  }
}

function exchange (
  { method = 'GET', url, headers = [], body, isEnough }: HttpRequest, timeoutMs: number, reach: Reach
): Promise<HttpResponse> {
  const { protocol, host } = new URL(url)
  const start = protocol === 'https:' ? httpsRequest : httpRequest
  const length: HeaderList = body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))]]
  return new Promise((resolve, reject) => {
    const outgoing = start(url, {
      method,
      // A flat list goes out as it stands; node then adds no Host and no length of its own.
      headers: [['Host', host], ['User-Agent', 'postern-doctor'], ...headers, ...length].flat() as never,
      agent: false,
      lookup: reach.lookup
    })
    const timer = setTimeout(() => settle(new NoResponse(`no response within ${timeoutMs} ms`)), timeoutMs)
    const chunks: Buffer[] = []
    let incoming: IncomingMessage | undefined

    /** Resolves with whatever has arrived; rejects when nothing has. */
    function settle (failure: NoResponse): void {
      clearTimeout(timer)
      if (incoming === undefined) reject(failure)
      else resolve(toResponse(incoming, Buffer.concat(chunks).subarray(0, MAX_BYTES)))
      outgoing.destroy()
    }

    outgoing.on('socket', (socket) => socket.on('connect', () => reach.note(socket.remoteAddress)))
    outgoing.on('error', (error) => settle(toNoResponse(error)))
    outgoing.on('response', (response) => {
      incoming = response
      readBody(response, chunks, isEnough, () => settle(new NoResponse('broken off')))
    })
    outgoing.end(body)
  })
}

/** Fills in the chunks until the body ends or enough is there. */
function readBody (
  response: IncomingMessage, chunks: Buffer[], isEnough: HttpRequest['isEnough'], done: () => void
): void {
  const isStream = /^text\/event-stream/i.test(response.headers['content-type'] ?? '')
  if (isStream && isEnough === undefined) return done()
  let size = 0
  let isLookDue = false
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_BYTES) return done()
    if (!isStream || isLookDue) return
    // One look for all that arrived together: looking after each of a million single bytes would
    // outlast the time limit.
    isLookDue = true
    setImmediate(() => {
      isLookDue = false
      if (isEnough?.(Buffer.concat(chunks).toString()) === true) done()
    })
  })
  for (const event of ['end', 'close', 'error']) response.on(event, done)
}

function toResponse (response: IncomingMessage, body: Buffer): HttpResponse {
  const headers: Array<[string, string]> = []
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    headers.push([(response.rawHeaders[i] as string).toLowerCase(), response.rawHeaders[i + 1] as string])
  }
  return { status: response.statusCode ?? 0, headers, text: body.toString() }
}

/** Any error counts: node refuses to send some headers that a server chose, a session id for example. */
function toNoResponse (error: unknown): NoResponse {
  if (error instanceof NoResponse) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new NoResponse(`no response: ${code ?? message}`)
}

function redact (response: HttpResponse, secrets: readonly string[]): HttpResponse {
  const clean = (text: string): string =>
    secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, '[token]'), text)
  const headers = response.headers.map(([name, value]) => [name, clean(value)] as const)
  return { ...response, headers, text: clean(response.text) }
}

/** Returns the values of all header lines of a name, given in lower case. */
export function headerLines (response: HttpResponse, name: string): readonly string[] {
  return response.headers.filter(([known]) => known === name).map(([, value]) => value)
}

/**
 * Returns the value of a header; undefined when it is absent. Several lines are joined, as RFC 9110
 * §5.3 allows.
 */
export function headerOf (response: HttpResponse, name: string): string | undefined {
  const lines = headerLines(response, name)
  return lines.length === 0 ? undefined : lines.join(', ')
}

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Returns a text as a JSON object; undefined when it is not one, or when it is nested so deeply that
 * `JSON.stringify` and `String` could exhaust the stack over it.
 */
export function parseJsonObject (text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && !Array.isArray(value) && !isTooDeep(value) ? value as JsonObject : undefined
  } catch {
    return undefined
  }
}

function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isTooDeep (value: object): boolean {
  let level: readonly object[] = [value]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((parent) => Object.values(parent).filter(isObject))
  }
  return false
}

/** Tells whether the status of a response is 2xx. */
export function isSuccess ({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}
