import type { onRequestHookHandler } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import { allowedOrigins } from '../request/origin.js'
import { Refusal } from '../request/refusal.js'

/**
 * Refuses what a foreign page would send (C1; MCP streamable HTTP, "Security & Endpoint"): before
 * credentials are looked at, so that it cannot be probed with them.
 */
export function checkOrigin (server: ServerConfig): onRequestHookHandler {
  const isAllowed = allowedOrigins(server)
  return function checkOriginStep (request, _reply, done) {
    const { origin } = request.headers
    if (origin !== undefined && !isAllowed(origin)) throw new Refusal('origin_not_allowed')
    done()
  }
}
