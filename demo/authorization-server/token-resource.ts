/** A protected resource that the authorization server issues access tokens for. */
export interface TokenResource {
  /** The resource identifier (RFC 8707). If it has no path, the trailing slash makes no difference. */
  readonly resource: string
  readonly scopes: readonly string[]
  /** `jwt` (default): RFC 9068, signed with RS256. `opaque`: for introspection (RFC 7662). */
  readonly format?: 'jwt' | 'opaque'
  /** Lifetime of its access tokens; default 3600. */
  readonly tokenSeconds?: number
}

/** Returns the resource that an indicator (RFC 8707 §2) names; undefined when there is none. */
export function findResource (
  resources: readonly TokenResource[], indicator: string
): TokenResource | undefined {
  const wanted = withoutBareSlash(indicator)
  return resources.find(({ resource }) => withoutBareSlash(resource) === wanted)
}

/**
 * `https://h` and `https://h/` are one resource (behaviour A3): clients that parse the identifier add
 * the slash.
 */
function withoutBareSlash (identifier: string): string {
  return /^[a-z]+:\/\/[^/]+\/$/i.test(identifier) ? identifier.slice(0, -1) : identifier
}
