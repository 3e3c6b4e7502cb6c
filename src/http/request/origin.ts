import { hostsOf } from '../../options/hosts.js'
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
export function allowedHosts (server: ServerConfig): (host: string) => boolean {
  const onLoopback = isLoopback(new URL(server.resource).hostname)
  if (!onLoopback && server.hosts === undefined) return () => true
  const allowed = new Set(hostsOf(server))
  return (host) => {
    if (allowed.has(host.toLowerCase())) return true
    return onLoopback && isLoopback(host.replace(/:\d{1,5}$/, ''))
  }
}
