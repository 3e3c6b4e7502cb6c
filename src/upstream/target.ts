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

// Separators, dots and control characters, encoded once or more often; what a URL must encode; a
// parameter that hides a dot segment from one parser and not from another ("..;").
const AMBIGUOUS = /[\\"<>^`{|}]|%(?:25)*(?:[01][\da-f]|2e|2f|5c|7f)|\/\/|\/\.{1,2}(?:[/;]|$)/i
// No fragment belongs in a request target (RFC 9112 §3.2), nor does what a URI must encode.
const NOT_IN_TARGET = /[^\x21-\x7e]|#/

/**
 * Returns the upstream's path and query for a raw request target, or undefined when the target is
 * not literally under the resource or two servers might read it differently (F3).
 */
export function resolveTarget (mapping: PathMapping, url: string): string | undefined {
  if (NOT_IN_TARGET.test(url)) return undefined
  const queryStart = url.indexOf('?')
  const path = queryStart === -1 ? url : url.slice(0, queryStart)
  const query = queryStart === -1 ? '' : url.slice(queryStart)
  if (path === '' || !`${path}/`.startsWith(`${mapping.prefix}/`)) return undefined
  if (path === mapping.prefix || path === mapping.resource) return mapping.endpoint + query
  if (AMBIGUOUS.test(path) || !isDecodable(path)) return undefined
  return mapping.base + path.slice(mapping.prefix.length) + query
}

/** What is not UTF-8 when decoded ("%c0%ae") is a dot to some and an error to others. */
function isDecodable (path: string): boolean {
  if (!path.includes('%')) return true
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
