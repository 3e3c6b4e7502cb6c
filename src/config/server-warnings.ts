import { publishableScopes } from '../oauth/protected-resource.js'
import { areToldApartByHost } from '../options/hosts.js'
import { isUnprotected, parseUrl } from '../options/http-url.js'
import type { ServerConfig } from '../options/server.js'
import type { PlacedServer, PlaceOf } from './place.js'
import type { Problem } from './problem.js'

const KINDS = { tools: 'tool', resources: 'MCP resource', prompts: 'prompt' } as const
type Kind = keyof typeof KINDS

const RESOURCE_UNPROTECTED = 'is plain http on a host that is not loopback: ' +
  'tokens travel in the clear; publish it under https'
const HTTP_ALLOWED = 'allows keys to be fetched over plain http: ' +
  'anyone who can change that traffic can make tokens'
const EVERY_ORIGIN = 'allows pages of every origin to call'

/** Returns warnings about what a protected server allows although it is seldom meant (P4). */
export function warnAboutServer ({ server, placeOf }: PlacedServer): Problem[] {
  const { resource, origins, authorizationServers, defaultScopes, metadata } = server
  return [
    ...warnAboutPolicy(server, placeOf),
    ...warnAboutSpelling(resource, placeOf('resource')),
    ...warnIf(isUnprotected(resource), placeOf('resource'), RESOURCE_UNPROTECTED),
    ...warnIf(origins.includes('*'), placeOf('origins'), EVERY_ORIGIN),
    ...authorizationServers.flatMap(({ allowHttp }, index) => (
      warnIf(allowHttp, placeOf('authorizationServers', index, 'allowHttp'), HTTP_ALLOWED)
    )),
    ...warnAboutScopes(defaultScopes, placeOf('defaultScopes')),
    ...warnAboutScopes(metadata.scopes_supported, placeOf('metadata', 'scopes_supported'))
  ]
}

function warnIf (applies: boolean, place: string, message: string): Problem[] {
  return applies ? [{ place, message }] : []
}

/**
 * The resource identifier is published as it is written. Clients ask for tokens with their URL parser's
 * spelling of it, and audiences are compared exactly (R3, A3).
 */
function warnAboutSpelling (resource: string, place: string): Problem[] {
  const parsed = parseUrl(resource)?.href
  if (parsed === undefined || parsed === resource || parsed === `${resource}/`) return []
  return [{
    place,
    message: `becomes ${parsed} in most clients: write it that way, or list that as an audience, too`
  }]
}

/**
 * Returns warnings about upstreams that can be reached through another server than their own. A path below a
 * resource is mapped to the same path below its upstream (F3), unless it belongs to a server of its own.
 */
export function warnAboutNestedUpstreams (servers: readonly PlacedServer[]): Problem[] {
  const byHost = areToldApartByHost(servers.map(({ server }) => server))
  const mapped = servers.map(({ server: { resource, upstream }, placeOf }) => ({
    host: byHost ? parseUrl(resource)?.host : undefined,
    path: pathOf(resource),
    base: pathOf(upstream),
    origin: parseUrl(upstream)?.origin,
    place: placeOf('upstream')
  }))
  return mapped.flatMap((inner) => mapped.flatMap((outer) => {
    if (outer.origin === undefined || outer.origin !== inner.origin) return []
    if (!inner.base.startsWith(`${outer.base}/`)) return []
    const mappedByOuter = outer.path + inner.base.slice(outer.base.length)
    if (inner.path === mappedByOuter && inner.host === outer.host) return []
    return [{
      place: inner.place,
      message: `lies below ${outer.place}: ` +
        'clients of that server reach this upstream, too, under the rules of that server'
    }]
  }))
}

function pathOf (url: string): string {
  return parseUrl(url)?.pathname.replace(/\/+$/, '') ?? ''
}

function warnAboutPolicy ({ policy }: ServerConfig, placeOf: PlaceOf): Problem[] {
  const kinds = Object.keys(KINDS) as Kind[]
  const allowed = kinds.filter((kind) => policy.unlisted[kind] === 'allow')
  if (allowed.length > 0) {
    const names = new Intl.ListFormat('en').format(allowed.map((kind) => KINDS[kind]))
    const message = `every ${names} that no rule names is allowed for every accepted token`
    return [{ place: placeOf('policy', 'unlisted'), message }]
  }
  if (kinds.some((kind) => Object.keys(policy[kind]).length > 0)) return []
  const isMissing = [policy.methods, policy.implies].every((map) => Object.keys(map).length === 0)
  const message = isMissing
    ? 'is missing or empty: every call of a tool, MCP resource or prompt is denied'
    : 'names no tool, MCP resource or prompt: every call of one is denied'
  return [{ place: placeOf('policy'), message }]
}

function warnAboutScopes (scopes: unknown, place: string): Problem[] {
  if (!Array.isArray(scopes)) return []
  const written = scopes as readonly string[]
  const publishable = publishableScopes(written)
  const unpublishable = [...new Set(written)].filter((scope) => !publishable.includes(scope))
  return unpublishable.map((scope) => ({
    place,
    message: `names ${scope}, which is not a scope of a resource: it is left out`
  }))
}
