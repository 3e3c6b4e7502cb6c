import type { onRequestHookHandler } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import { allowedHosts } from '../request/origin.js'
import { Refusal } from '../request/refusal.js'
import { isRepeated } from '../request/repeated-header.js'

/**
 * Refuses a `Host` that a rebound DNS name would bring (C1a), and two of them (RFC 9112 §3.2).
 * After the CORS headers are set, so that a page of an allowed origin can read the refusal (C3).
 */
export function checkHost (server: ServerConfig): onRequestHookHandler {
  const isAllowed = allowedHosts(server)
  return function checkHostStep (request, _reply, done) {
    if (isRepeated(request.raw.rawHeaders, 'host')) {
      throw new Refusal('invalid_request', {
        reason: 'more than one Host header', description: 'Send exactly one Host header'
      })
    }
    if (!isAllowed(request.headers.host ?? '')) throw new Refusal('host_not_allowed')
    done()
  }
}
