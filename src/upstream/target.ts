/** A resource's path on the outside and its upstream's path on the inside (F3). */
export interface PathMapping {
  /** Path of the resource without a trailing slash; empty for a resource at the root. */
  readonly prefix: string
  /** Path of the upstream's MCP endpoint, verbatim. */
  readonly endpoint: string
  /** The same without a trailing slash: what sub-paths are appended to. */
  readonly base: string
}

/** Maps the paths under a resource to paths under its upstream (F3). */
export function mapPaths (resource: string, upstream: string): PathMapping {
  const endpoint = new URL(upstream).pathname
  return { prefix: trimSlash(new URL(resource).pathname), endpoint, base: trimSlash(endpoint) }
}

function trimSlash (path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

// Separators and dots in any encoding, once or twice; what a URL must encode; a parameter that
// hides a dot segment from one parser and not from another ("..;").
const AMBIGUOUS = /[\\"<>^`{|}]|%(?:25)*(?:2e|2f|5c|00)|\/\/|\/\.{1,2}(?:[/;]|$)/i
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
  if (!path.startsWith(mapping.prefix) || path.charCodeAt(0) !== 0x2f) return undefined
  const rest = path.slice(mapping.prefix.length)
  if (rest === '' || (rest === '/' && mapping.prefix === '')) return mapping.endpoint + query
  if (rest.charCodeAt(0) !== 0x2f || AMBIGUOUS.test(path)) return undefined
  return mapping.base + rest + query
}
