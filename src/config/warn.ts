import type { Config, ServerConfig } from './config.js'
import { isUnprotected, parseUrl } from './http-url.js'
import type { PlaceOf } from './normalise.js'
import type { Problem } from './problem.js'

const KINDS = { tools: 'tool', resources: 'MCP resource', prompts: 'prompt' } as const
type Kind = keyof typeof KINDS

/** Scopes that ask something of the authorization server (behaviour R3). */
const NOT_OF_A_RESOURCE = ['openid', 'offline_access']

/** Returns what a protected server permits although it is seldom meant (behaviour P4). */
export function warnAboutServer (server: ServerConfig, placeOf: PlaceOf): Problem[] {
  return [
    ...warnAboutPolicy(server, placeOf),
    ...warnAboutSpelling(server.resource, placeOf('resource')),
    ...isUnprotected(server.resource) ? [{ place: placeOf('resource'), message: 'is plain http on a host that is not loopback: tokens travel in the clear; publish it under https' }] : [],
    ...server.origins.includes('*') ? [{ place: placeOf('origins'), message: 'allows pages of every origin to call' }] : [],
    ...server.authorizationServers.flatMap(({ allowHttp }, index) => (
      allowHttp ? [{ place: placeOf('authorizationServers', index, 'allowHttp'), message: 'permits to fetch keys over plain http: whoever can change that traffic can make tokens' }] : []
    )),
    ...warnAboutScopes(server.defaultScopes, placeOf('defaultScopes')),
    ...warnAboutScopes(server.metadata.scopes_supported, placeOf('metadata', 'scopes_supported'))
  ]
}

/** The identifier is published as it is, but clients ask for tokens as their URL parser spells it, and audiences are compared exactly (behaviour R3, A3). */
function warnAboutSpelling (resource: string, place: string): Problem[] {
  const spelt = parseUrl(resource)?.href
  if (spelt === undefined || spelt === resource || spelt === `${resource}/`) return []
  return [{ place, message: `is what most clients spell as ${spelt}: write it so, or list that as an audience too` }]
}

/**
 * Returns which upstreams can be reached through another server than their own: what lies below a resource is mapped to
 * what lies below its upstream (behaviour F3), unless the path belongs to a server of its own.
 */
export function warnAboutNestedUpstreams ({ servers }: Config, places: readonly PlaceOf[]): Problem[] {
  const mapped = servers.map(({ resource, upstream }, index) => ({ path: pathOf(resource), base: pathOf(upstream), origin: parseUrl(upstream)?.origin, place: places[index]?.('upstream') ?? '' }))
  return mapped.flatMap((inner) => mapped.flatMap((outer) => {
    const isBelow = outer.origin !== undefined && outer.origin === inner.origin && inner.base.startsWith(`${outer.base}/`)
    if (!isBelow || inner.path === outer.path + inner.base.slice(outer.base.length)) return []
    return [{ place: inner.place, message: `lies below ${outer.place}: whoever may call that server reaches this one too, under the rules of that one` }]
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
    return [{ place: placeOf('policy', 'unlisted'), message: `every ${names} that no rule names is allowed to every accepted token` }]
  }
  if (kinds.some((kind) => Object.keys(policy[kind]).length > 0)) return []
  return [{ place: placeOf('policy'), message: 'names no tool, MCP resource or prompt: every call of one is denied' }]
}

function warnAboutScopes (scopes: unknown, place: string): Problem[] {
  const found = NOT_OF_A_RESOURCE.filter((scope) => Array.isArray(scopes) && scopes.includes(scope))
  return found.map((scope) => ({ place, message: `names ${scope}, which is not a scope of a resource: it is left out` }))
}
