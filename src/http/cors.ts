import type { FastifyCorsOptionsDelegate } from '@fastify/cors'
import type { IncomingHttpHeaders } from 'node:http'
import type { ServerConfig } from '../config/schema.js'
import { allowedOrigins } from './steps/check-origin.js'

const ALLOWED_HEADERS = [
  'Authorization', 'Content-Type', 'Accept', 'DPoP', 'Last-Event-ID', 'Mcp-Session-Id',
  'MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name'
]
const EXPOSED_HEADERS = ['WWW-Authenticate', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Retry-After', 'DPoP-Nonce', 'X-Request-Id'].join(', ')
const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS']

/** Seconds that a browser may remember a preflight's answer. */
const MAX_AGE_SECONDS = 600

/** CORS for a protected server: only its allowed origins, never with credentials (C2, C3). */
export function corsOptions (server: ServerConfig): { delegator: FastifyCorsOptionsDelegate } {
  const isAllowed = allowedOrigins(server)
  return {
    delegator: (request, callback) => {
      const { headers, method } = request
      const origin = headers.origin
      callback(null, {
        origin: origin !== undefined && isAllowed(origin) ? origin : false,
        exposedHeaders: EXPOSED_HEADERS,
        methods: METHODS,
        preflight: method === 'OPTIONS' && isPreflight(headers),
        ...(method === 'OPTIONS' ? { allowedHeaders: [...ALLOWED_HEADERS, ...requestedParams(headers)], maxAge: MAX_AGE_SECONDS } : {})
      })
    }
  }
}

/** CORS for the public documents: any origin may read them (R2). */
export const PUBLIC_CORS = { origin: '*', methods: ['GET', 'HEAD', 'OPTIONS'], maxAge: MAX_AGE_SECONDS }

/** An OPTIONS request without both of these is no preflight (Fetch §3.3.2) and needs credentials like any other (R5). */
function isPreflight (headers: IncomingHttpHeaders): boolean {
  return headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/** The `Mcp-Param-*` headers that a preflight asks for: allowed by name (C2). */
function requestedParams (headers: IncomingHttpHeaders): string[] {
  const requested = headers['access-control-request-headers']
  if (requested === undefined) return []
  return requested.split(',').map((name) => name.trim()).filter((name) => /^mcp-param-[!#$%&'*+.^_`|~\w-]+$/i.test(name))
}
