import type { ServerConfig } from '../options/server.js'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** These ask for something from the authorization server, so they are not scopes of this resource (R3). */
const NOT_OF_A_RESOURCE: ReadonlySet<string> = new Set(['openid', 'offline_access'])

interface DerivedMembers {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
}

/** The protected resource metadata document (RFC 9728 §2), ready to be serialised. */
export interface ProtectedResourceMetadata extends DerivedMembers {
  readonly scopes_supported?: readonly string[]
  readonly [member: string]: unknown
}

/**
 * Returns the path at which a resource is served, `/` for a resource without path. Throws TypeError when the
 * identifier is not an absolute URL or has a query, a fragment or credentials. RFC 8707 §2 advises against a
 * query and forbids a fragment; credentials must not stand in a document that everybody may read.
 */
export function resourcePath (resource: string): string {
  return parseResource(resource).pathname
}

/**
 * Returns the path of the metadata document of a resource: the well-known string stands between host and
 * path, and a path of only a slash is dropped (RFC 9728 §3.1). Throws as resourcePath.
 */
export function metadataPath (resource: string): string {
  const path = resourcePath(resource)
  return path === '/' ? WELL_KNOWN : WELL_KNOWN + path
}

/**
 * Returns the absolute URL of the metadata document, as it stands in challenges (RFC 9728 §5.1, R6). Throws
 * as resourcePath.
 */
export function metadataUrl (resource: string): string {
  return parseResource(resource).origin + metadataPath(resource)
}

/**
 * Returns the metadata document of a protected server (R3). `policyScopes` are published when neither the
 * operator's `metadata` nor `defaultScopes` say what a first login should ask for. Members that the operator
 * adds never replace those that state what this resource checks.
 */
export function buildProtectedResourceMetadata (
  server: ServerConfig, policyScopes: readonly string[]
): ProtectedResourceMetadata {
  const { scopes_supported: operatorScopes, ...added } = server.metadata
  const fallback = server.defaultScopes.length > 0 ? server.defaultScopes : policyScopes
  const scopes = publishableScopes(isStringArray(operatorScopes) ? operatorScopes : fallback)
  return {
    ...added,
    ...derivedMembers(server),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes })
  }
}

/** Returns the members that state what this resource checks. The operator's never replace them (R3). */
export function derivedMembers ({ resource, authorizationServers }: ServerConfig): DerivedMembers {
  return {
    resource,
    authorization_servers: [
      ...new Set(authorizationServers.map(({ issuer, advertise }) => advertise ?? issuer))
    ],
    bearer_methods_supported: ['header']
  }
}

/**
 * Returns the scopes that may be published or asked for in a first login: each once, in the given order,
 * without `openid` and `offline_access` (R3; MCP authorization, Refresh Tokens).
 */
export function publishableScopes (scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes)].filter((scope) => !NOT_OF_A_RESOURCE.has(scope))
}

function parseResource (resource: string): URL {
  const url = new URL(resource)
  if (resource.includes('?') || resource.includes('#')) {
    throw new TypeError('a resource identifier has no query and no fragment')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('a resource identifier has no user name and no password')
  }
  return url
}

function isStringArray (value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
