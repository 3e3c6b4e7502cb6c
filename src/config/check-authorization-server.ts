import { createPrivateKey } from 'node:crypto'
import type { AuthorizationServerConfig, IntrospectionConfig } from './config.js'
import { findUrlFault, isUnprotected } from './http-url.js'
import type { UrlRules } from './http-url.js'
import type { PlaceOf } from './normalise.js'
import type { Path, Problem } from './problem.js'

const HTTP_REFUSED = 'must be https, because its host is not loopback; inside a private network "allowHttp": true permits http'

/** Returns the problems of the authorization servers of one protected server. */
export function checkAuthorizationServers (servers: readonly AuthorizationServerConfig[], placeOf: PlaceOf): Problem[] {
  return [
    ...servers.flatMap((server, index) => checkAuthorizationServer(server, (...path) => placeOf('authorizationServers', index, ...path))),
    ...checkIssuersDiffer(servers, placeOf)
  ]
}

type MemberPlace = (...path: Path) => string

function checkAuthorizationServer (server: AuthorizationServerConfig, placeOf: MemberPlace): Problem[] {
  const { issuer, issuers, advertise, metadataUrl, jwksUri, introspection, allowHttp } = server
  const checkUrl = (url: string | undefined, path: Path, query: UrlRules['query']): Problem[] => {
    if (url === undefined || url === '') return []
    const fault = findUrlFault(url, { query }) ?? (isUnprotected(url) && !allowHttp ? HTTP_REFUSED : undefined)
    return fault === undefined ? [] : [{ place: placeOf(...path), message: fault }]
  }
  return [
    // RFC 8414 §2: an issuer has no query and no fragment.
    ...checkUrl(issuer, ['issuer'], 'refused'),
    ...issuers.flatMap((further, index) => checkFurtherIssuer(further, allowHttp, placeOf('issuers', index))),
    ...advertise === issuer ? [] : checkUrl(advertise, ['advertise'], 'refused'),
    ...checkUrl(metadataUrl, ['metadataUrl'], 'allowed'),
    ...checkUrl(jwksUri, ['jwksUri'], 'allowed'),
    ...checkUrl(introspection?.endpoint, ['introspection', 'endpoint'], 'allowed'),
    ...checkAudience(server, placeOf),
    ...introspection === undefined ? [] : checkCredentials(introspection, placeOf)
  ]
}

/** Some issuers put a name without scheme into `iss`; it is only ever compared. */
function checkFurtherIssuer (issuer: string, allowHttp: boolean, place: string): Problem[] {
  if (!/^[\x21-\x7e]+$/.test(issuer)) return [{ place, message: 'may hold visible ASCII characters only' }]
  return isUnprotected(issuer) && !allowHttp ? [{ place, message: HTTP_REFUSED }] : []
}

function checkAudience ({ audience, clientIds }: AuthorizationServerConfig, placeOf: MemberPlace): Problem[] {
  if (audience === undefined || clientIds === undefined) return []
  return [{ place: placeOf('clientIds'), message: 'excludes "audience": client ids are for tokens that have no audience; keep one of the two' }]
}

function checkCredentials ({ clientSecret, privateKey }: IntrospectionConfig, placeOf: MemberPlace): Problem[] {
  const place = placeOf('introspection')
  if (clientSecret === undefined && privateKey === undefined) return [{ place, message: 'needs "clientSecret" or "privateKey"' }]
  if (clientSecret !== undefined && privateKey !== undefined) return [{ place, message: 'must have only one of "clientSecret" and "privateKey"' }]
  if (privateKey === undefined || isPkcs8(privateKey)) return []
  return [{
    place: placeOf('introspection', 'privateKey'),
    message: 'is not an unencrypted PKCS #8 key in PEM form ("-----BEGIN PRIVATE KEY-----"): convert it with `openssl pkcs8 -topk8 -nocrypt`, and keep its line breaks'
  }]
}

function isPkcs8 (pem: string): boolean {
  if (!pem.trimStart().startsWith('-----BEGIN PRIVATE KEY-----')) return false
  try {
    createPrivateKey({ key: pem, format: 'pem' })
    return true
  } catch {
    return false
  }
}

/** Two entries for one issuer would make it a matter of order whose keys and audiences count. */
function checkIssuersDiffer (servers: readonly AuthorizationServerConfig[], placeOf: PlaceOf): Problem[] {
  const first = new Map<string, string>()
  const all = servers.flatMap(({ issuer, issuers }, index) => [
    { issuer, place: placeOf('authorizationServers', index, 'issuer') },
    ...issuers.map((further, at) => ({ issuer: further, place: placeOf('authorizationServers', index, 'issuers', at) }))
  ])
  return all.filter(({ issuer }) => issuer !== '').flatMap(({ issuer, place }) => {
    const earlier = first.get(issuer)
    if (earlier !== undefined) return [{ place, message: `is the same issuer as ${earlier}: name each one once` }]
    first.set(issuer, place)
    return []
  })
}
