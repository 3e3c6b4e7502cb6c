/** A resource's path on the outside and its upstream's path on the inside (F3). */
export interface PathMapping {
  /** Path of the resource, verbatim. */
  readonly resource: string
  /** Path of the resource without a trailing slash; empty for a resource at the root. */
  readonly prefix: string
  /** Path of the upstream's MCP endpoint, verbatim. */
  readonly endpoint: string
  /** The same without a trailing slash: what sub-paths are appended to. */
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

// What a URI must encode (RFC 3986 §2), found in a path as it was written.
const MUST_BE_ENCODED = /["<>^`{|}]/
// At every level of decoding: separators and dots that are still encoded, control characters, and
// dot segments, also where a parameter, a query, a fragment or a space hides them ("..;").
const AMBIGUOUS = /[\\\p{Cc}]|%(?:2e|2f|5c)|\/\/|\/\.{1,2}(?:[/;?#\s]|$)/iu
const ESCAPE = /%[\da-f]{2}/i
/** Nothing encodes more often than this. */
const MAX_DECODINGS = 4
// No fragment belongs in a request target (RFC 9112 §3.2), nor does what a URI must encode.
const NOT_IN_TARGET = /[^\x21-\x7e]|#/

/**
 * Returns the upstream's path and query for a raw request target, or undefined when the target is
 * not literally under the resource or two servers might read it differently (F3).
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
 * Whether a path stays what it is however often it is decoded; what is not UTF-8 then ("%c0%ae") is a dot to
 * some and an error to others.
 */
function isUnambiguous (path: string): boolean {
  let text = path
  for (let decodings = 0; decodings <= MAX_DECODINGS; decodings++) {
    if (AMBIGUOUS.test(text)) return false
    if (!text.includes('%')) return true
    const decoded = decode(text)
    // A percent sign that is left over ("100%25") decodes no further; next to an escape only some give up.
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
