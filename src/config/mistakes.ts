import { parseUrl } from '../options/http-url.js'
import type { PlacedServer, PlaceOf } from './place.js'
import type { Problem } from './problem.js'

const KINDS = ['tools', 'prompts', 'resources', 'methods'] as const

/**
 * Signs of a regular expression that no name has: anchors, classes, escapes, alternatives in parentheses,
 * and `.*` or `.+` where the dot does not separate two parts of a name.
 */
const REGULAR_EXPRESSION = /^\^|\$$|(?:^|[^a-z\d])\.[*+]|\\[wdsb.]|\[[^\]]*-[^\]]*\]|\([^)]*\|[^)]*\)/i

/** URIs may hold most of these characters. */
const REGULAR_EXPRESSION_OF_URIS = /^\^|\\[wdsb./]|\([^)]*\|[^)]*\)/i

const ENTRA = /^login\.(?:microsoftonline\.(?:com|us|de)|partner\.microsoftonline\.cn)$/

/** Returns warnings about what is never meant: it looks right, and does not work. */
export function warnAboutMistakes ({ server, placeOf }: PlacedServer): Problem[] {
  const { policy, upstream, authorizationServers } = server
  return [
    ...KINDS.flatMap((kind) => Object.keys(policy[kind]).flatMap((name) => (
      warnAboutName(name, kind === 'resources' ? REGULAR_EXPRESSION_OF_URIS : REGULAR_EXPRESSION,
        placeOf('policy', kind, name))
    ))),
    ...warnAboutUpstream(upstream, placeOf('upstream')),
    ...authorizationServers.flatMap(({ issuer, issuers }, index) => [
      ...warnAboutIssuer(issuer, placeOf('authorizationServers', index, 'issuer')),
      ...issuers.flatMap((other, at) => warnAboutIssuer(other, issuersPlace(placeOf, index, at)))
    ])
  ]
}

function issuersPlace (placeOf: PlaceOf, index: number, at: number): string {
  return placeOf('authorizationServers', index, 'issuers', at)
}

function warnAboutName (name: string, expression: RegExp, place: string): Problem[] {
  if (name !== name.trim()) {
    return [{ place, message: 'has white space at its ends, as no name has that a client sends' }]
  }
  if (!expression.test(name)) return []
  const pattern = JSON.stringify(name.replace(/^\^|\$$/g, '').replace(/\.[*+]\??/g, '*'))
  const message = 'looks like a regular expression, but all characters except * stand for themselves: ' +
    `did you mean ${pattern}?`
  return [{ place, message }]
}

function warnAboutUpstream (upstream: string, place: string): Problem[] {
  if (!/^https?:\/\/[^/]+$/i.test(upstream)) return []
  const message = 'has no path: most MCP servers answer at /mcp; ' +
    'if yours does answer at the root, end the URL with a slash'
  return [{ place, message }]
}

function warnAboutIssuer (issuer: string, place: string): Problem[] {
  const { hostname, pathname } = parseUrl(issuer) ?? {}
  if (hostname === 'accounts.google.com') {
    const message = 'issues access tokens that only Google can read, and that are not for this resource: ' +
      'none is accepted; use an authorization server that signs people in with Google'
    return [{ place, message }]
  }
  const tenant = hostname !== undefined && ENTRA.test(hostname) ? pathname?.split('/')[1] : undefined
  if (tenant !== 'common' && tenant !== 'organizations' && tenant !== 'consumers') return []
  const message = `is in no token: Entra writes the id of the tenant instead of "${tenant}"; ` +
    'list the issuer of each tenant, https://login.microsoftonline.com/TENANT-ID/v2.0'
  return [{ place, message }]
}
