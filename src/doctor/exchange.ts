import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** Names and values, repetitions allowed: some questions are about repetitions. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>

export interface Question {
  /** Default GET. */
  readonly method?: string
  readonly url: string
  readonly headers?: HeaderList
  readonly body?: string
  /** Tells when enough of an event stream has arrived; without it none of one is read. */
  readonly isEnough?: (text: string) => boolean
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: HeaderList
  /** Cut off at the size limit or when time was up. */
  readonly text: string
}

/** Sends one request. Throws NoAnswer. */
export type Ask = (question: Question) => Promise<Answer>

export interface AskLimits {
  /** For one exchange, its body included. */
  readonly timeoutMs: number
  /** For all exchanges together. */
  readonly requests: number
  /** Replaced wherever an answer repeats them, so that no report ever holds one. */
  readonly secrets: readonly string[]
}

/** There was no answer; the message says why. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

const MAX_BYTES = 1_048_576
/** Hosts are given up after this many questions in a row without an answer. */
const STRIKES = 2

/**
 * Returns a function that sends requests within limits: each is one exchange on a connection of its
 * own, redirects are answers like any other, and what is read is bounded in time and size.
 */
export function createAsk ({ timeoutMs, requests, secrets }: AskLimits): Ask {
  const strikes = new Map<string, number>()
  let left = requests
  return async function ask (question) {
    const { origin } = new URL(question.url)
    if (left === 0) throw new NoAnswer(`not asked: the limit of ${requests} requests is reached`)
    const missed = strikes.get(origin) ?? 0
    if (missed >= STRIKES) throw new NoAnswer(`not asked: ${origin} left ${missed} questions in a row without an answer`)
    left--
    strikes.set(origin, missed + 1)
    const answer = await exchange(question, timeoutMs).catch((error: unknown) => { throw asNoAnswer(error) })
    strikes.delete(origin)
    return redact(answer, secrets)
  }
}

function exchange ({ method = 'GET', url, headers = [], body, isEnough }: Question, timeoutMs: number): Promise<Answer> {
  const target = new URL(url)
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest
  const length: HeaderList = body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))]]
  return new Promise((resolve, reject) => {
    const outgoing = send(target, {
      method,
      // A flat list goes out as it stands; node then adds no Host and no length of its own.
      headers: [['Host', target.host], ['User-Agent', 'postern-doctor'], ...headers, ...length].flat() as never,
      agent: false
    })
    const timer = setTimeout(() => settle(new NoAnswer(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const chunks: Buffer[] = []
    let incoming: IncomingMessage | undefined

    function settle (failure: NoAnswer): void {
      clearTimeout(timer)
      if (incoming === undefined) reject(failure)
      else resolve(toAnswer(incoming, Buffer.concat(chunks).subarray(0, MAX_BYTES)))
      outgoing.destroy()
    }

    outgoing.on('error', (error) => settle(asNoAnswer(error)))
    outgoing.on('response', (response) => {
      incoming = response
      readBody(response, chunks, isEnough, () => settle(new NoAnswer('broken off')))
    })
    outgoing.end(body)
  })
}

/** Fills in the chunks until the body ends or enough is there. */
function readBody (response: IncomingMessage, chunks: Buffer[], isEnough: Question['isEnough'], done: () => void): void {
  const isStream = /^text\/event-stream/i.test(response.headers['content-type'] ?? '')
  if (isStream && isEnough === undefined) return done()
  let size = 0
  let isLookDue = false
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_BYTES) return done()
    if (!isStream || isLookDue) return
    // Once for all that arrived together: a look at everything after each of a million single bytes would outlast the time limit.
    isLookDue = true
    setImmediate(() => {
      isLookDue = false
      if (isEnough?.(Buffer.concat(chunks).toString()) === true) done()
    })
  })
  for (const event of ['end', 'close', 'error']) response.on(event, done)
}

function toAnswer (response: IncomingMessage, body: Buffer): Answer {
  const headers: Array<[string, string]> = []
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    headers.push([(response.rawHeaders[i] as string).toLowerCase(), response.rawHeaders[i + 1] as string])
  }
  return { status: response.statusCode ?? 0, headers, text: body.toString() }
}

/** Headers that a server chose (a session id) can be ones that node refuses to send. */
function asNoAnswer (error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new NoAnswer(`no answer: ${code ?? message}`)
}

function redact (answer: Answer, secrets: readonly string[]): Answer {
  const clean = (text: string): string => secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, '[token]'), text)
  return { ...answer, headers: answer.headers.map(([name, value]) => [name, clean(value)] as const), text: clean(answer.text) }
}

/** Returns the values of all header lines of a name, given in lower case. */
export function headerLines (answer: Answer, name: string): readonly string[] {
  return answer.headers.filter(([known]) => known === name).map(([, value]) => value)
}

/** Returns the value of a header, several lines joined as RFC 9110 §5.3 allows; undefined when it is absent. */
export function headerOf (answer: Answer, name: string): string | undefined {
  const lines = headerLines(answer, name)
  return lines.length === 0 ? undefined : lines.join(', ')
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Returns a text as a JSON object; undefined when it is none. */
export function parseJsonObject (text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : undefined
  } catch {
    return undefined
  }
}

/** Tells whether an answer grants what was asked. */
export function isSuccess ({ status }: Answer): boolean {
  return status >= 200 && status < 300
}
