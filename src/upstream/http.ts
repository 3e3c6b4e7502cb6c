import type { IncomingHttpHeaders } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { classifyFailure, type UpstreamFailure } from './failure.js'
import { judgeAnswer, type Verdict } from './verdict.js'

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
    post: (message, receive) => post({ pool: message.longLived ? streams : calls, authority: host, timeoutMs }, message, receive),
    async close () {
      await Promise.all([calls.destroy(), streams.destroy()])
    }
  }
}

interface Destination {
  readonly pool: Pool
  readonly authority: string
  readonly timeoutMs: number
}

function post ({ pool, authority, timeoutMs }: Destination, message: UpstreamMessage, receive: (transfer: Transfer) => AnswerReceiver): void {
  const hosts = [authority, String(message.headers['host'])]
  let controller: Dispatcher.DispatchController | undefined
  let done = false
  const receiver = receive({
    resume: () => controller?.resume(),
    abort () {
      if (done) return
      done = true
      controller?.abort(new Error('the answer is not wanted any more'))
    }
  })

  function fail (failure: UpstreamFailure): void {
    if (done) return
    done = true
    receiver.onFailure(failure)
  }

  function dispatch (path: string, redirects: number): void {
    let verdict: Verdict | undefined
    let timer: NodeJS.Timeout | undefined
    pool.dispatch({ method: 'POST', path, headers: message.headers, body: message.body }, {
      onRequestStart (current) {
        controller = current
        if (done) current.abort(new Error('the client left before anything was sent'))
      },
      onResponseStart (current, status, headers) {
        if (status < 200 || done) return
        verdict = judgeAnswer({ path, hosts, redirects }, status, headers.location)
        if (verdict.as === 'answer') return receiver.onAnswer(status, headers)
        if (verdict.as === 'redirect') {
          // Its body has no time limit of its own, being nothing that anybody waits for.
          timer = setTimeout(() => {
            fail({ kind: 'timeout', reason: 'a redirect did not end in time' })
            current.abort(new Error('the redirect does not end'))
          }, timeoutMs)
          return
        }
        fail(verdict.failure)
        current.abort(new Error('the answer is not passed on'))
      },
      onResponseData (current, chunk) {
        if (done || verdict?.as !== 'answer') return
        if (!receiver.onChunk(chunk)) current.pause()
      },
      onResponseEnd () {
        clearTimeout(timer)
        if (done) return
        if (verdict?.as === 'redirect') return dispatch(verdict.path, redirects + 1)
        receiver.onEnd()
        done = true // not before: what onEnd throws comes back as an error, which must still be told
      },
      onResponseError (_current, error) {
        clearTimeout(timer)
        fail(classifyFailure(error))
      }
    })
  }

  dispatch(message.path, 0)
}
