/** A resource's path on the outside and its upstream's path on the inside (F3). */
export interface PathMapping {
  /** Path of the resource, verbatim. */
  readonly resource: string
  /** Path of the resource without a trailing slash; empty for a resource at the root. */
  readonly prefix: string
  /** Path of the upstream's MCP endpoint, verbatim. */
  readonly endpoint: string
  /** The same without a trailing slash. Sub-paths are appended to it. */
  readonly base: string
}

/** Maps the paths under a resource to paths under its upstream (F3). */
export function mapPaths (resource: string, upstream: string): PathMapping {
  const { pathname: path } = new URL(resource)
  const { pathname: endpoint } = new URL(upstream)
  return { resource: path, prefix: trimSlash(path), endpoint, base: trimSlash(endpoint) }
}

function trimSlash (path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

// Characters that a URI must encode (RFC 3986 §2). They are looked for in the path as it was written.
const MUST_BE_ENCODED = /["<>^`{|}]/
// Looked for at every level of decoding: separators and dots that are still encoded, control characters,
// empty segments, and dot segments, also before a parameter, a query, a fragment or a space ("..;").
const AMBIGUOUS = /[\\\p{Cc}]|%(?:2e|2f|5c)|\/\/|\/\.{1,2}(?:[/;?#\s]|$)/iu
const ESCAPE = /%[\da-f]{2}/i
/** A path that is encoded more often is refused. */
const MAX_DECODINGS = 4
// A request target has no fragment (RFC 9112 §3.2) and no characters that a URI must encode.
const NOT_IN_TARGET = /[^\x21-\x7e]|#/

/**
 * Returns the upstream's path and query for a raw request target. Returns undefined when the target is not
 * literally under the resource, or when two servers might read it differently (F3).
 */
export function resolvePath (mapping: PathMapping, url: string): string | undefined {
  if (NOT_IN_TARGET.test(url)) return undefined
  const queryStart = url.indexOf('?')
  const path = queryStart === -1 ? url : url.slice(0, queryStart)
  const query = queryStart === -1 ? '' : url.slice(queryStart)
  if (path === '' || !`${path}/`.startsWith(`${mapping.prefix}/`)) return undefined
  if (path === mapping.prefix || path === mapping.resource) return mapping.endpoint + query
  if (MUST_BE_ENCODED.test(path) || !isUnambiguous(path)) return undefined
  return mapping.base + path.slice(mapping.prefix.length) + query
}

/**
 * Returns whether a path means the same however often a server decodes it. Bytes that are not UTF-8 when they
 * are decoded ("%c0%ae") are a dot to some servers and an error to others.
 */
function isUnambiguous (path: string): boolean {
  let text = path
  for (let decodings = 0; decodings <= MAX_DECODINGS; decodings++) {
    if (AMBIGUOUS.test(text)) return false
    if (!text.includes('%')) return true
    const decoded = decode(text)
    // A percent sign that is left over ("100%25") cannot be decoded further. Next to an escape, some servers
    // decode the escape and some give up.
    if (decoded === undefined) return decodings > 0 && !ESCAPE.test(text)
    text = decoded
  }
  return false
}

function decode (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
