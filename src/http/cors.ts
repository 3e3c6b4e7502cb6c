import cors, { type FastifyCorsOptions, type FastifyCorsOptionsDelegate } from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import type { ServerConfig } from '../options/server.js'
import { allowedOrigins } from './request/origin.js'

const ALLOWED_HEADERS = [
  'Authorization', 'Content-Type', 'Accept', 'DPoP', 'Last-Event-ID', 'Mcp-Session-Id',
  'MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name', 'traceparent', 'tracestate', 'baggage'
]
const EXPOSED_HEADERS = [
  'WWW-Authenticate', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Retry-After', 'DPoP-Nonce', 'X-Request-Id'
]
const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS']

/** Seconds that a browser may remember the response to a preflight. */
const MAX_AGE_SECONDS = 600

/**
 * Lets pages of allowed origins read every response under this plugin context, refusals included (C3). Their
 * preflights need no credentials (C2). Browsers are never asked to add credentials: the page sends the token.
 */
export async function shareWithOrigins (app: FastifyInstance, server: ServerConfig): Promise<void> {
  const isAllowed = allowedOrigins(server)
  const delegator: FastifyCorsOptionsDelegate = (request, callback) => {
    const { headers } = request
    const origin = headers.origin !== undefined && isAllowed(headers.origin) ? headers.origin : false
    if (!isPreflight(request)) {
      return callback(null, { origin, exposedHeaders: EXPOSED_HEADERS, preflight: false })
    }
    const allowedHeaders = [...ALLOWED_HEADERS, ...requestedParams(headers)]
    callback(null, { origin, methods: METHODS, allowedHeaders, maxAge: MAX_AGE_SECONDS })
  }
  await share(app, '/*', { delegator })
  if (app.prefix !== '') app.options('', (_request, reply) => { reply.callNotFound() })
}

/** Lets any page read the public document at the prefix of this plugin context, failures included (R2). */
export function shareWithAll (app: FastifyInstance): Promise<void> {
  return share(app, '', {
    origin: '*',
    methods: ['GET', 'HEAD', 'OPTIONS'],
    allowedHeaders: '*',
    maxAge: MAX_AGE_SECONDS,
    strictPreflight: false
  })
}

/**
 * Registers @fastify/cors. It routes OPTIONS for every path that begins with the letters of the prefix, also
 * for a neighbour's path. So its route is moved to `path` below the prefix (R5).
 */
async function share (
  app: FastifyInstance,
  path: string,
  options: FastifyCorsOptions | { delegator: FastifyCorsOptionsDelegate }
): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.method === 'OPTIONS' && route.url === `${app.prefix}*`) route.url = app.prefix + path
  })
  await app.register(cors, options)
}

/**
 * Returns whether a request is a preflight (Fetch §4.8). An OPTIONS request without these headers is not, and
 * needs credentials like any other (R5).
 */
function isPreflight ({ method, headers }: FastifyRequest): boolean {
  if (method !== 'OPTIONS') return false
  return headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

const PARAM = /^mcp-param-[!#$%&'*+.^_`|~\w-]+$/i

/** Returns the `Mcp-Param-*` headers that a preflight asks for. They are allowed by name (C2). */
function requestedParams (headers: IncomingHttpHeaders): string[] {
  const requested = headers['access-control-request-headers']
  if (requested === undefined) return []
  return requested.split(',').map((name) => name.trim()).filter((name) => PARAM.test(name))
}
