import { parseUrl } from './http-url.js'

interface Addressed {
  readonly resource: string
  readonly hosts?: readonly string[] | undefined
}

/**
 * Returns the values of `Host` that name a resource, in lower case: its own, and those of `hosts`. The
 * default port may be written out: it is the same authority (RFC 9110 §4.2.3). Empty when the resource is not
 * a URL.
 */
export function hostsOf ({ resource, hosts = [] }: Addressed): readonly string[] {
  const own = parseUrl(resource)
  if (own === undefined) return []
  const spelledOut = own.port === '' ? [`${own.hostname}:${own.protocol === 'https:' ? 443 : 80}`] : []
  return [...new Set([own.host, ...spelledOut, ...hosts].map((host) => host.toLowerCase()))]
}

/** Returns the path of a resource as requests are routed by it; undefined when the resource is not a URL. */
export function routedPath (resource: string): string | undefined {
  return parseUrl(resource)?.pathname.replace(/\/+$/, '')
}

/**
 * Returns whether `Host` is needed to tell protected servers apart. While every path is another one, a proxy
 * in front may write any `Host` (R7).
 */
export function areToldApartByHost (servers: readonly Addressed[]): boolean {
  const paths = servers.flatMap(({ resource }) => routedPath(resource) ?? [])
  return new Set(paths).size < paths.length
}
