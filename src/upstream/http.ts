import { buildConnector, type Client, type Dispatcher } from 'undici'
import { openConnectionPool, type ConnectionPool } from './connection-pool.js'
import { classifyFailure, type UpstreamFailure } from './failure.js'
import { classifyResponse, type ResponseKind } from './response-kind.js'
import type { RequestControl, ResponseReceiver, Upstream, UpstreamRequest } from './upstream.js'

const CONNECT_TIMEOUT_MS = 10_000

/** Opens the connections to an upstream at an http(s) URL. */
export function openHttpUpstream (url: string, timeoutMs: number): Upstream {
  const { origin, host } = new URL(url)
  const connect = buildConnector({
    rejectUnauthorized: true,
    timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs)
  })
  const pool = openConnectionPool(origin, connect, {
    bodyTimeout: 0 // a quiet stream is not a broken one (F4)
  })
  return {
    origin,
    authority: host,
    send: (request, receive) => send({ pool, authority: host, timeoutMs }, request, receive),
    close: () => pool.close()
  }
}

interface Destination {
  readonly pool: ConnectionPool
  readonly authority: string
  readonly timeoutMs: number
}

function send (
  { pool, authority, timeoutMs }: Destination,
  { method, headers, body, longLived, ...request }: UpstreamRequest,
  receive: (control: RequestControl) => ResponseReceiver
): void {
  const hosts = [authority, String(headers['host'])]
  const headersTimeout = longLived ? 0 : timeoutMs // 0 is without a limit (F7)
  let connection: Client | undefined
  let controller: Dispatcher.DispatchController | undefined
  let done = false
  const receiver = receive({
    resume: () => controller?.resume(),
    abort: giveUp
  })

  /** Ends the request together with its connection: HTTP/1.1 has no other way. */
  function giveUp (): void {
    if (done) return
    done = true
    if (connection !== undefined) pool.drop(connection)
  }

  function fail (failure: UpstreamFailure): void {
    if (done) return
    giveUp()
    receiver.onFailure(failure)
  }

  function dispatch (path: string, redirects: number): void {
    const current = pool.take()
    connection = current
    let response: ResponseKind | undefined
    let timer: NodeJS.Timeout | undefined
    current.dispatch({ method, path, headers, body: body ?? null, headersTimeout }, {
      onRequestStart (started) {
        controller = started
      },
      onResponseStart (_controller, status, responseHeaders) {
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
            }, timeoutMs)
            break
          case 'failure':
            fail(response.failure)
        }
      },
      onResponseData (started, chunk) {
        if (done || response?.kind !== 'final') return
        if (!receiver.onData(chunk)) started.pause()
      },
      onResponseEnd () {
        clearTimeout(timer)
        if (done) return
        if (response?.kind === 'redirect') {
          pool.release(current)
          return dispatch(response.path, redirects + 1)
        }
        receiver.onEnd()
        done = true // not before: what onEnd throws comes back as an error, which the receiver must hear of
        pool.release(current)
      },
      onResponseError (_current, error) {
        clearTimeout(timer)
        fail(classifyFailure(error))
      }
    })
  }

  if (!done) dispatch(request.path, 0)
}
