import type { onRequestHookHandler } from 'fastify'
import type { ServerConfig } from '../../config/schema.js'
import { Refusal } from '../refusal.js'

/**
 * Refuses what a rebound DNS name or a foreign page would send (C1, C1a; MCP streamable HTTP,
 * "Security & Endpoint"): before credentials are looked at, so that it cannot be probed with them.
 */
export function checkOrigin (server: ServerConfig): onRequestHookHandler {
  const isOriginAllowed = allowedOrigins(server)
  const isHostAllowed = allowedHosts(server)
  return function checkOriginStep (request, _reply, done) {
    const { origin, host } = request.headers
    if (origin !== undefined && !isOriginAllowed(origin)) {
      throw new Refusal('origin_not_allowed', { reason: `Origin ${JSON.stringify(origin.slice(0, 200))}` })
    }
    if (!isHostAllowed(host ?? '')) {
      throw new Refusal('host_not_allowed', { reason: `Host ${JSON.stringify((host ?? '').slice(0, 200))}` })
    }
    done()
  }
}

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
function allowedHosts (server: ServerConfig): (host: string) => boolean {
  const resource = new URL(server.resource)
  const onLoopback = isLoopback(resource.hostname)
  if (!onLoopback && server.hosts.length === 0) return () => true
  const allowed = new Set([resource.host, ...server.hosts].map((host) => host.toLowerCase()))
  return (host) => {
    const name = host.toLowerCase()
    return allowed.has(name) || (onLoopback && isLoopback(name.replace(/:\d{1,5}$/, '')))
  }
}

/** Whether a host name, as URLs and `Host` headers spell it, can only mean this machine (RFC 6761 §6.3). */
export function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
