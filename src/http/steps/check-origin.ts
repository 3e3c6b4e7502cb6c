import type { onRequestHookHandler } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import { allowedOrigins } from '../request/origin.js'
import { Refusal } from '../request/refusal.js'

/**
 * Refuses requests of foreign pages (C1; MCP streamable HTTP, "Security & Endpoint"). It runs before the
 * credentials are read, so that a page cannot probe the gateway with them.
 */
export function checkOrigin (server: ServerConfig): onRequestHookHandler {
  const isAllowed = allowedOrigins(server)
  return function checkOriginStep (request, _reply, done) {
    const { origin } = request.headers
    if (origin !== undefined && !isAllowed(origin)) throw new Refusal('origin_not_allowed')
    done()
  }
}
