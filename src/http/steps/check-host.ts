import type { onRequestHookHandler } from 'fastify'
import { Refusal } from '../request/refusal.js'
import { isRepeated } from '../request/repeated-header.js'

/**
 * Refuses a `Host` that is not served: that of a rebound DNS name (C1a), or of no protected server (R7).
 * Refuses more than one `Host` (RFC 9112 §3.2). It runs after the CORS headers are set, so that a page of an
 * allowed origin can read the refusal (C3).
 */
export function checkHost (isAllowed: (host: string) => boolean): onRequestHookHandler {
  return function checkHostStep (request, _reply, done) {
    if (isRepeated(request.raw.rawHeaders, 'host')) {
      throw new Refusal('invalid_request', {
        reason: 'more than one Host header',
        description: 'Send exactly one Host header'
      })
    }
    if (!isAllowed(request.headers.host ?? '')) throw new Refusal('host_not_allowed')
    done()
  }
}
