import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import type { ServerConfig } from '../../config/schema.js'
import { allowedOrigins } from '../origin.js'

const METHODS = 'GET, POST, DELETE, OPTIONS'
const ALLOWED_HEADERS = [
  'Authorization', 'Content-Type', 'Accept', 'DPoP', 'Last-Event-ID', 'Mcp-Session-Id',
  'MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name'
]
const EXPOSED_HEADERS = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After, DPoP-Nonce, X-Request-Id'

/** Seconds that a browser may remember a preflight's answer. */
const MAX_AGE_SECONDS = 600

/**
 * Lets pages of allowed origins read every answer, refusals included (C3), and answers their
 * preflights without credentials (C2). Not @fastify/cors: it routes OPTIONS for every path that
 * begins with the prefix's letters, the paths of neighbours among them (R5). Credentials that a
 * browser adds by itself are never asked for: tokens are sent by the page.
 */
export function shareWithOrigins (server: ServerConfig): onRequestHookHandler {
  const isAllowed = allowedOrigins(server)
  return function shareWithOriginsStep (request, reply, done) {
    const { origin } = request.headers
    reply.header('vary', 'Origin')
    if (origin === undefined || !isAllowed(origin)) return done()
    reply.header('access-control-allow-origin', origin)
    if (!isPreflight(request)) {
      reply.header('access-control-expose-headers', EXPOSED_HEADERS)
      return done()
    }
    reply.code(204).headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': [...ALLOWED_HEADERS, ...requestedParams(request.headers)].join(', '),
      'access-control-max-age': MAX_AGE_SECONDS
    }).send()
  }
}

/** An OPTIONS request without this header is no preflight (Fetch §4.8) and needs credentials like any other (R5). */
function isPreflight ({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

/** The `Mcp-Param-*` headers that a preflight asks for: allowed by name (C2). */
function requestedParams (headers: IncomingHttpHeaders): string[] {
  const requested = headers['access-control-request-headers']
  if (requested === undefined) return []
  return requested.split(',').map((name) => name.trim()).filter((name) => /^mcp-param-[!#$%&'*+.^_`|~\w-]+$/i.test(name))
}
