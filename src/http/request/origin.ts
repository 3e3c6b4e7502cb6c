import { isLoopback } from '../../options/loopback.js'
import type { ServerConfig } from '../../options/server.js'

/** Returns whether an `Origin` may call: the resource's own, and those configured (C1). */
export function allowedOrigins ({ resource, origins }: ServerConfig): (origin: string) => boolean {
  if (origins.includes('*')) return () => true
  const own = new URL(resource)
  const allowed = new Set([own.origin, ...origins])
  if (!isLoopback(own.hostname)) return (origin) => allowed.has(origin)
  return (origin) => allowed.has(origin) || isLoopbackOrigin(origin, own)
}

/** Another spelling of this machine, with the scheme and port of the resource. */
function isLoopbackOrigin (origin: string, { protocol, port }: URL): boolean {
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  return url?.origin === origin && url.protocol === protocol && url.port === port && isLoopback(url.hostname)
}

/** Returns whether a `Host` is served (C1a); without a reason to check, every one is. */
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
