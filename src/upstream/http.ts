import type { IncomingHttpHeaders } from 'node:http'
import { Pool, type Dispatcher } from 'undici'

/** Why there is no answer, or no complete one (F7). `reason` is for the log: it may hold inner addresses. */
export interface UpstreamFailure {
  readonly kind: 'unreachable' | 'timeout' | 'broken' | 'redirect' | 'refused' | 'unreadable'
  readonly reason: string
}

/** Takes an answer as it arrives. After `onFailure` or `onEnd` nothing follows. */
export interface AnswerReceiver {
  onAnswer (status: number, headers: IncomingHttpHeaders): void
  /** Returns false to pause the upstream until `resume`. */
  onChunk (chunk: Buffer): boolean
  onEnd (): void
  onFailure (failure: UpstreamFailure): void
}

/** One message on its way. */
export interface Transfer {
  resume (): void
  /** Cancels the upstream request at once; the receiver hears nothing more (F5). */
  abort (): void
}

export interface UpstreamMessage {
  readonly path: string
  readonly headers: Record<string, string | string[]>
  readonly body: Buffer
  /** Expected to stay open for long: kept apart, so that it never takes a call's place. */
  readonly longLived: boolean
}

export interface Upstream {
  readonly origin: string
  /** `host[:port]`, the value of `Host` (F1). */
  readonly authority: string
  /** Posts a verified message, at most once (F6). `receive` gets the transfer before anything is sent. */
  post (message: UpstreamMessage, receive: (transfer: Transfer) => AnswerReceiver): void
  /** The pool for everything that streams. */
  readonly streams: Pool
  close (): Promise<void>
}

/** How many redirects are followed for one request (F8). */
export const MAX_REDIRECTS = 3
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens the pools to one upstream. Calls and streams have one each: undici looks for a free
 * connection from the oldest on, so idle streams in a shared pool would slow every call down.
 * Neither has a limit of its own; the number of client connections bounds both.
 */
export function openUpstream (url: string, timeoutMs: number): Upstream {
  const { origin, host } = new URL(url)
  const options: Pool.Options = {
    connect: { rejectUnauthorized: true, timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) },
    headersTimeout: timeoutMs,
    bodyTimeout: 0, // a quiet stream is not a broken one (F4)
    pipelining: 1
  }
  const calls = new Pool(origin, options)
  const streams = new Pool(origin, options)
  return {
    origin,
    authority: host,
    streams,
    post: (message, receive) => post(message.longLived ? streams : calls, host, message, receive),
    async close () {
      await Promise.all([calls.destroy(), streams.destroy()])
    }
  }
}

function post (pool: Pool, authority: string, message: UpstreamMessage, receive: (transfer: Transfer) => AnswerReceiver): void {
  let controller: Dispatcher.DispatchController | undefined
  let done = false
  let redirects = 0
  const receiver = receive({
    resume: () => controller?.resume(),
    abort () {
      if (done) return
      done = true
      controller?.abort(new Error('the client left'))
    }
  })

  function fail (failure: UpstreamFailure): void {
    if (done) return
    done = true
    receiver.onFailure(failure)
  }

  function dispatch (path: string): void {
    let redirectTo: string | undefined
    pool.dispatch({ method: 'POST', path, headers: message.headers, body: message.body }, {
      onRequestStart (current) {
        controller = current
        if (done) current.abort(new Error('the client left'))
      },
      onResponseStart (current, status, headers) {
        if (status < 200 || done) return
        if (isRedirect(status)) {
          redirectTo = redirects++ < MAX_REDIRECTS ? sameHostRedirect([authority, String(message.headers['host'])], path, status, headers.location) : undefined
          if (redirectTo === undefined) {
            fail(redirectNotFollowed(status, headers.location))
            current.abort(new Error('redirect not followed'))
          }
          return
        }
        const refused = refusedByUpstream(status)
        if (refused !== undefined) {
          fail(refused)
          current.abort(new Error('answer not passed on'))
          return
        }
        receiver.onAnswer(status, headers)
      },
      onResponseData (current, chunk) {
        if (done || redirectTo !== undefined) return
        if (!receiver.onChunk(chunk)) current.pause()
      },
      onResponseEnd () {
        if (done) return
        if (redirectTo !== undefined) return dispatch(redirectTo)
        done = true
        receiver.onEnd()
      },
      onResponseError (_current, error) {
        fail(classifyFailure(error))
      }
    })
  }

  dispatch(message.path)
}

/** The upstream's refusal of the gateway must not look like a refusal of the client (F7). */
export function refusedByUpstream (status: number): UpstreamFailure | undefined {
  if (status !== 401 && status !== 403 && status !== 407) return undefined
  return { kind: 'refused', reason: `the upstream answered ${status}; check upstreamHeaders, and its own Host and Origin checks` }
}

/**
 * Returns path and query of a redirect that may be followed: one that keeps method and body
 * (RFC 9110 §15.4.8, §15.4.9) and names the upstream itself, by its own authority or by the one it
 * was addressed with (F8). Only the path is used: the request goes to the configured upstream again.
 */
export function sameHostRedirect (hosts: readonly string[], path: string, status: number, location: string | string[] | undefined): string | undefined {
  if ((status !== 307 && status !== 308) || typeof location !== 'string') return undefined
  const base = `http://${hosts[0]}${path}`
  if (!URL.canParse(location, base)) return undefined
  const url = new URL(location, base)
  return hosts.includes(url.host) ? url.pathname + url.search : undefined
}

/** Whether a status asks to go elsewhere; 304 is an answer. */
export function isRedirect (status: number): boolean {
  return status >= 300 && status < 400 && status !== 304
}

/** The failure of a redirect that is not followed; its Location may be an inner address, so the client does not see it. */
export function redirectNotFollowed (status: number, location: string | string[] | undefined): UpstreamFailure {
  return { kind: 'redirect', reason: `the upstream answered ${status} with Location ${String(location)}` }
}

/** Tells the ways of getting no answer apart (F7). */
export function classifyFailure (error: unknown): UpstreamFailure {
  const { code, message, cause } = error as { code?: string, message?: string, cause?: unknown }
  const reason = [code, message, cause instanceof Error ? cause.message : undefined].filter(Boolean).join(': ')
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout', reason }
  if (code !== undefined && NOT_CONNECTED.has(code)) return { kind: 'unreachable', reason }
  // Certificates: the connection was refused by us (ERR_TLS_…, CERT_…, …_SIGNATURE).
  if (code !== undefined && /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code)) return { kind: 'unreachable', reason }
  return { kind: 'broken', reason }
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT', 'ENOENT'
])
