import { Pool, type Dispatcher } from 'undici'
import { classifyFailure, type UpstreamFailure } from './failure.js'
import { classifyResponse, type ResponseKind } from './response-kind.js'
import type { RequestControl, ResponseReceiver, Upstream, UpstreamRequest } from './upstream.js'

const CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens the connections to an upstream at an http(s) URL. Calls and streams have a pool each: undici looks
 * for a free connection from the oldest on, so idle streams in a shared pool would slow every call down.
 * Neither pool has a limit of its own, because the number of client connections bounds both.
 */
export function openHttpUpstream (url: string, timeoutMs: number): Upstream {
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
    send (request, receive) {
      send({ pool: request.longLived ? streams : calls, authority: host, timeoutMs }, request, receive)
    },
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

function send (
  { pool, authority, timeoutMs }: Destination,
  { method, headers, body, ...request }: UpstreamRequest,
  receive: (control: RequestControl) => ResponseReceiver
): void {
  const hosts = [authority, String(headers['host'])]
  let controller: Dispatcher.DispatchController | undefined
  let done = false
  const receiver = receive({
    resume: () => controller?.resume(),
    abort () {
      if (done) return
      done = true
      controller?.abort(new Error('the response is not wanted any more'))
    }
  })

  function fail (failure: UpstreamFailure): void {
    if (done) return
    done = true
    receiver.onFailure(failure)
  }

  function dispatch (path: string, redirects: number): void {
    let response: ResponseKind | undefined
    let timer: NodeJS.Timeout | undefined
    pool.dispatch({ method, path, headers, body: body ?? null }, {
      onRequestStart (current) {
        controller = current
        if (done) current.abort(new Error('the client left before anything was sent'))
      },
      onResponseStart (current, status, responseHeaders) {
        if (status < 200 || done) return
        response = classifyResponse({ path, hosts, redirects }, status, responseHeaders.location)
        switch (response.kind) {
          case 'final':
            receiver.onResponse(status, responseHeaders)
            break
          case 'redirect':
            // Its body has no time limit of its own, because nobody waits for it.
            timer = setTimeout(() => {
              fail({ kind: 'timeout', reason: 'a redirect did not end in time' })
              current.abort(new Error('the redirect does not end'))
            }, timeoutMs)
            break
          case 'failure':
            fail(response.failure)
            current.abort(new Error('the response is not passed on'))
        }
      },
      onResponseData (current, chunk) {
        if (done || response?.kind !== 'final') return
        if (!receiver.onData(chunk)) current.pause()
      },
      onResponseEnd () {
        clearTimeout(timer)
        if (done) return
        if (response?.kind === 'redirect') return dispatch(response.path, redirects + 1)
        receiver.onEnd()
        done = true // not before: what onEnd throws comes back as an error, and the receiver must hear of it
      },
      onResponseError (_current, error) {
        clearTimeout(timer)
        fail(classifyFailure(error))
      }
    })
  }

  dispatch(request.path, 0)
}
