import type { FastifyRequest } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import { buildRequestHeaders, readHeaderNames, type Identity } from '../../upstream/headers.js'
import type { Upstream } from '../../upstream/upstream.js'
import { found } from './findings.js'

/** Returns the headers of a request to the upstream. */
export type BuildUpstreamHeaders = (request: FastifyRequest) => Record<string, string | string[]>

/** Returns a function that builds the headers to the upstream, for both ways of forwarding (F1, F2). */
export function upstreamHeaders (server: ServerConfig, upstream: Upstream): BuildUpstreamHeaders {
  const fixed = withLowerCaseNames(server.upstreamHeaders)
  const removed = readHeaderNames(server.removeHeaders)
  return (request) => buildRequestHeaders(request.headers, {
    host: upstreamHost(server, upstream, request),
    identity: identityOf(server, request),
    fixed,
    removed,
    requestId: request.id,
    sessionId: request.upstreamSessionId ?? undefined
  })
}

/** Lower-cases names, so that a header replaces the client's in any letter case (RFC 9110 §5.1). */
function withLowerCaseNames (headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Returns the `Host` for the upstream: its own, or the client's with `preserveHost` (F1). */
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
