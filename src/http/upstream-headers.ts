import type { FastifyRequest } from 'fastify'
import type { ServerConfig } from '../config/config.js'
import { buildRequestHeaders, type Identity } from '../upstream/headers.js'
import type { Upstream } from '../upstream/http.js'
import { found } from './findings.js'

/** The headers of a request to the upstream, for both ways of forwarding (F1, F2). */
export function upstreamHeaders (server: ServerConfig, upstream: Upstream, request: FastifyRequest): Record<string, string | string[]> {
  return buildRequestHeaders(request.headers, {
    host: upstreamHost(server, upstream, request),
    identity: identityOf(server, request),
    fixed: server.upstreamHeaders,
    sessionId: request.upstreamSessionId ?? undefined
  })
}

/** Returns the `Host` that the upstream is addressed with: its own, or the client's when that is kept (F1). */
export function upstreamHost ({ preserveHost }: ServerConfig, { authority }: Upstream, request: FastifyRequest): string {
  return preserveHost ? request.headers.host ?? authority : authority
}

function identityOf ({ identityHeaders }: ServerConfig, request: FastifyRequest): Identity {
  const { subject, clientId, issuer, scopes } = found(request, 'principal')
  return {
    subject: identityHeaders.subject ? subject : undefined,
    clientId: identityHeaders.clientId ? clientId : undefined,
    issuer: identityHeaders.issuer ? issuer : undefined,
    scopes: identityHeaders.scopes ? scopes : undefined
  }
}
