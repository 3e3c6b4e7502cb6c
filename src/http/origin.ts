import type { ServerConfig } from '../options/server.js'

/** Returns whether an `Origin` may call: the resource's own, and those configured (C1). */
export function allowedOrigins (server: ServerConfig): (origin: string) => boolean {
  if (server.origins.includes('*')) return () => true
  const resource = new URL(server.resource)
  const allowed = new Set([resource.origin, ...server.origins])
  if (isLoopback(resource.hostname)) {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      allowed.add(new URL(`${resource.protocol}//${host}:${resource.port}`).origin)
    }
  }
  return (origin) => allowed.has(origin)
}

/** Returns whether a `Host` is served (C1a); without a reason to check, every one is. */
export function allowedHosts (server: ServerConfig): (host: string) => boolean {
  const resource = new URL(server.resource)
  const onLoopback = isLoopback(resource.hostname)
  if (!onLoopback && server.hosts === undefined) return () => true
  // The default port may be written out: it is the same authority (RFC 9110 §4.2.3).
  const spelledOut = resource.port === '' ? [`${resource.hostname}:${resource.protocol === 'https:' ? 443 : 80}`] : []
  const allowed = new Set([resource.host, ...spelledOut, ...server.hosts ?? []].map((host) => host.toLowerCase()))
  return (host) => {
    const name = host.toLowerCase()
    return allowed.has(name) || (onLoopback && isLoopback(name.replace(/:\d{1,5}$/, '')))
  }
}

/** Whether a host name, as URLs and `Host` headers spell it, can only mean this machine (RFC 6761 §6.3). */
function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
