import { isLoopback } from '../../options/loopback.js'
import type { ServerConfig } from '../../options/server.js'

/** Returns a test of `Origin`: the resource's own may call, and the configured ones (C1). */
export function allowedOrigins ({ resource, origins }: ServerConfig): (origin: string) => boolean {
  if (origins.includes('*')) return () => true
  const own = new URL(resource)
  const allowed = new Set([own.origin, ...origins])
  if (!isLoopback(own.hostname)) return (origin) => allowed.has(origin)
  return (origin) => allowed.has(origin) || isLoopbackOrigin(origin, own)
}

/** Returns whether an origin is another name of this machine, with the resource's scheme and port. */
function isLoopbackOrigin (origin: string, { protocol, port }: URL): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  return url?.origin === origin && url.protocol === protocol && url.port === port && isLoopback(url.hostname)
}

/** Returns a test of `Host`: whether it is served (C1a). Without a reason to check, every host is. */
export function allowedHosts ({ resource, hosts }: ServerConfig): (host: string) => boolean {
  const own = new URL(resource)
  const onLoopback = isLoopback(own.hostname)
  if (!onLoopback && hosts === undefined) return () => true
  // The default port may be written out: it is the same authority (RFC 9110 §4.2.3).
  const spelledOut = own.port === '' ? [`${own.hostname}:${own.protocol === 'https:' ? 443 : 80}`] : []
  const allowed = new Set([own.host, ...spelledOut, ...hosts ?? []].map((host) => host.toLowerCase()))
  return (host) => {
    if (allowed.has(host.toLowerCase())) return true
    return onLoopback && isLoopback(host.replace(/:\d{1,5}$/, ''))
  }
}
