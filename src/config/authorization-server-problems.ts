import { findPrivateKeyFault } from '../oauth/client-authentication.js'
import { findRepeatedIssuers } from '../oauth/repeated-issuers.js'
import type { AuthorizationServerConfig, IntrospectionConfig } from '../options/authorization-server.js'
import { findUrlFault, isUnprotected, type UrlRules } from '../options/http-url.js'
import type { PlacedServer, PlaceOf } from './place.js'
import type { Path, Problem } from './problem.js'

const HTTP_REFUSED = 'must be https, because its host is not loopback; ' +
  'inside a private network "allowHttp": true permits http'

/** Returns the problems of the authorization servers of one protected server. */
export function findAuthorizationServerProblems ({ server, placeOf }: PlacedServer): Problem[] {
  const { authorizationServers } = server
  return [
    ...authorizationServers.flatMap((one, index) => (
      findProblems(one, (...path) => placeOf('authorizationServers', index, ...path))
    )),
    ...findEqualIssuers(authorizationServers, placeOf)
  ]
}

type MemberPlace = (...path: Path) => string

function findProblems (server: AuthorizationServerConfig, placeOf: MemberPlace): Problem[] {
  const { issuer, issuers, advertise, metadataUrl, jwksUri, introspection, allowHttp } = server
  const checkUrl = (url: string | undefined, path: Path, query: UrlRules['query']): Problem[] => {
    if (url === undefined) return []
    const isRefused = isUnprotected(url) && !allowHttp
    const fault = findUrlFault(url, { query }) ?? (isRefused ? HTTP_REFUSED : undefined)
    return fault === undefined ? [] : [{ place: placeOf(...path), message: fault }]
  }
  return [
    // RFC 8414 §2: an issuer has no query and no fragment.
    ...checkUrl(issuer, ['issuer'], 'refused'),
    ...issuers.flatMap((further, index) => checkFurtherIssuer(further, allowHttp, placeOf('issuers', index))),
    ...checkUrl(advertise, ['advertise'], 'refused'),
    ...checkUrl(metadataUrl, ['metadataUrl'], 'allowed'),
    ...checkUrl(jwksUri, ['jwksUri'], 'allowed'),
    ...checkUrl(introspection?.endpoint, ['introspection', 'endpoint'], 'allowed'),
    ...checkAudience(server, placeOf),
    ...introspection === undefined ? [] : checkCredentials(introspection, placeOf)
  ]
}

/** Some issuers put a name without a scheme into `iss`. The gateway only compares it. */
function checkFurtherIssuer (issuer: string, allowHttp: boolean, place: string): Problem[] {
  if (!/^[\x21-\x7e]+$/.test(issuer)) return [{ place, message: 'may hold visible ASCII characters only' }]
  return isUnprotected(issuer) && !allowHttp ? [{ place, message: HTTP_REFUSED }] : []
}

function checkAudience ({ audience, clientIds }: AuthorizationServerConfig, placeOf: MemberPlace): Problem[] {
  if (audience === undefined || clientIds === undefined) return []
  return [{
    place: placeOf('clientIds'),
    message: 'excludes "audience": client ids are for tokens that have no audience; keep one of the two'
  }]
}

function checkCredentials (introspection: IntrospectionConfig, placeOf: MemberPlace): Problem[] {
  const { clientSecret, privateKey } = introspection
  const place = placeOf('introspection')
  if (clientSecret === undefined && privateKey === undefined) {
    return [{ place, message: 'needs "clientSecret" or "privateKey"' }]
  }
  if (clientSecret !== undefined && privateKey !== undefined) {
    return [{ place, message: 'must have only one of "clientSecret" and "privateKey"' }]
  }
  const fault = privateKey === undefined ? undefined : findPrivateKeyFault(privateKey)
  return fault === undefined ? [] : [{ place: placeOf('introspection', 'privateKey'), message: fault }]
}

/** With two entries for one issuer, their order would decide whose keys and audiences count. */
function findEqualIssuers (servers: readonly AuthorizationServerConfig[], placeOf: PlaceOf): Problem[] {
  const placeOfIssuer = (path: Path): string => placeOf('authorizationServers', ...path)
  return findRepeatedIssuers(servers).map(({ path, first }) => ({
    place: placeOfIssuer(path),
    message: `is the same issuer as ${placeOfIssuer(first)}: name each one once`
  }))
}
