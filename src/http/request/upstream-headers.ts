import type { FastifyRequest } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import { buildRequestHeaders, type Identity } from '../../upstream/headers.js'
import type { Upstream } from '../../upstream/upstream.js'
import { found } from './findings.js'

/** Builds the headers of a request to the upstream. */
export type BuildUpstreamHeaders = (request: FastifyRequest) => Record<string, string | string[]>

/** Returns how the headers of requests to the upstream are built, for both ways of forwarding (F1, F2). */
export function upstreamHeaders (server: ServerConfig, upstream: Upstream): BuildUpstreamHeaders {
  const fixed = withLowerCaseNames(server.upstreamHeaders)
  return (request) => buildRequestHeaders(request.headers, {
    host: upstreamHost(server, upstream, request),
    identity: identityOf(server, request),
    fixed,
    requestId: request.id,
    sessionId: request.upstreamSessionId ?? undefined
  })
}

/**
 * So that a client's header of the same name is found and replaced, however either is written (RFC 9110
 * §5.1).
 */
function withLowerCaseNames (headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/**
 * Returns the `Host` that the upstream is addressed with: its own, or the client's when that is kept (F1).
 */
export function upstreamHost (
  { preserveHost }: ServerConfig, { authority }: Upstream, request: FastifyRequest
): string {
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
