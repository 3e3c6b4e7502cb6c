import type { UpstreamFailure } from './failure.js'
import type { Upstream } from './upstream.js'

/** How the upstream answered one request. */
export interface Exchange {
  /** The `X-Request-Id` that it was sent with. */
  readonly requestId: unknown
  /** Time until the header of its response, redirects included, or until it failed. */
  readonly headerMs: number
  /** Whether it asks for a stream that may be quiet for long. */
  readonly longLived: boolean
  /** Either the status or the failure. */
  readonly status?: number
  readonly failure?: UpstreamFailure['kind']
}

/** Returns an upstream that is the same, and reports when and how it begins to answer. */
export function observeUpstream (
  upstream: Upstream, now: () => number, report: (exchange: Exchange) => void
): Upstream {
  return {
    ...upstream,
    send (request, receive) {
      const sentAt = now()
      const tell = (outcome: Pick<Exchange, 'status' | 'failure'>): void => report({
        requestId: request.headers['x-request-id'],
        longLived: request.longLived,
        headerMs: now() - sentAt,
        ...outcome
      })
      upstream.send(request, (control) => {
        const receiver = receive({ ...control, sentAt })
        return {
          onResponse (status, headers) {
            tell({ status })
            receiver.onResponse(status, headers)
          },
          onData: (chunk) => receiver.onData(chunk),
          onEnd () { receiver.onEnd() },
          onFailure (failure) {
            tell({ failure: failure.kind })
            receiver.onFailure(failure)
          }
        }
      })
    }
  }
}
