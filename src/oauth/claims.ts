import { isScopeToken } from '../options/scope-token.js'
import { describeValue } from './describe.js'
import { InvalidToken } from './failures.js'
import { isJsonObject, type JsonObject } from './json-object.js'
import type { Principal } from './principal.js'
import { readSubject } from './subject.js'
import type { TokenRules } from './token-rules.js'

/** End of the year 9999. A larger number is not in seconds; most are in milliseconds. */
const LAST_DATE = 253_402_300_799

/** Only ID tokens have it (OpenID Connect Core §3.3.2.11): it belongs to the response with the code. */
const ID_TOKEN_CLAIM = 'c_hash'

/**
 * Claims of ID tokens (OpenID Connect Core §2, §3.1.3.6) that some servers put into access tokens, too: Dex
 * into all, Keycloak into those of older set-ups. So they do not make an ID token, but see checkNotForClient.
 */
const CLAIMS_OF_LOGIN = ['nonce', 'at_hash'] as const
/** What OAuth grants, which no ID token states. Claims about the user, such as groups, are in both. */
const SCOPE_CLAIMS = ['scope', 'scp', 'scopes'] as const

/** Values of `token_use` (Cognito, Hydra) and of the claim `typ` (Keycloak) in tokens of another kind. */
const OTHER_TOKEN_USES: ReadonlySet<unknown> = new Set(['id', 'id_token', 'refresh', 'refresh_token'])
const OTHER_TYPES: ReadonlySet<unknown> = new Set(['id', 'refresh', 'offline', 'logout'])

/** In the order in which they are read: RFC 9068 and most servers; OpenID Connect; Okta; Entra v1. */
const CLIENT_ID_CLAIMS = ['client_id', 'azp', 'cid', 'appid'] as const

/**
 * Returns `exp` in seconds, undefined when there is none. Throws InvalidToken when the token has expired or
 * is not valid yet (RFC 7519 §4.1.4–4.1.6, A2), and when one of the times is not a date. `toleranceSeconds`
 * allows for clocks that differ.
 */
export function checkTimes (
  claims: JsonObject, nowSeconds: number, toleranceSeconds: number
): number | undefined {
  const expiresAt = readDate(claims, 'exp')
  if (expiresAt !== undefined && nowSeconds >= expiresAt + toleranceSeconds) {
    throw new InvalidToken(`expired ${Math.floor(nowSeconds - expiresAt)} s ago`)
  }
  for (const name of ['nbf', 'iat']) {
    const from = readDate(claims, name)
    if (from !== undefined && from > nowSeconds + toleranceSeconds) {
      throw new InvalidToken(`${name} is ${Math.ceil(from - nowSeconds)} s in the future`)
    }
  }
  return expiresAt
}

/**
 * Returns whom verified claims speak for: those of a JWT, and those that introspection returned. `issuer`,
 * and `expiresAt` in seconds, are parameters because only a JWT must state them. Throws InvalidToken when the
 * claims are not those of an access token for this resource.
 */
export function readPrincipal (
  claims: JsonObject, rules: TokenRules, issuer: string, expiresAt: number
): Principal {
  checkKind(claims)
  checkAudience(claims, rules)
  const clientId = readClientId(claims)
  checkNotForClient(claims, rules, clientId)
  return {
    issuer,
    subject: readSubject(claims, clientId, rules.scopeClaims),
    ...(clientId === undefined ? {} : { clientId }),
    scopes: readScopes(claims, rules.scopeClaims),
    expiresAt
  }
}

/**
 * Throws InvalidToken for a token that is not an access token (A2, RFC 8725 §3.12), and for one that is bound
 * to a key (`cnf`): accepting it as a Bearer token would undo the binding (RFC 7800, RFC 8705 §3, RFC 9449
 * §6).
 */
function checkKind (claims: JsonObject): void {
  if (Object.hasOwn(claims, ID_TOKEN_CLAIM)) {
    throw new InvalidToken(`an ID token: it has the claim ${ID_TOKEN_CLAIM}`)
  }
  const use = readOwn(claims, 'token_use')
  if (OTHER_TOKEN_USES.has(lowerCase(use))) {
    throw new InvalidToken(`not an access token: token_use is ${describeValue(use)}`)
  }
  const type = readOwn(claims, 'typ')
  if (OTHER_TYPES.has(lowerCase(type))) {
    throw new InvalidToken(`not an access token: the claim typ is ${describeValue(type)}`)
  }
  if (Object.hasOwn(claims, 'events')) throw new InvalidToken('not an access token: it has the claim events')
  if (Object.hasOwn(claims, 'cnf')) {
    throw new InvalidToken('bound to a key (cnf), so it cannot be used as a Bearer token')
  }
}

/**
 * Throws InvalidToken when a token is not meant for this resource (A3). Where client ids are configured
 * instead of an audience, a token that has an audience must meet both.
 */
function checkAudience (claims: JsonObject, rules: TokenRules): void {
  const audience = readAudience(claims)
  if (rules.clientIds !== undefined) {
    checkClient(claims, rules.clientIds)
    if (audience.length === 0) return
  }
  if (audience.length === 0) throw new InvalidToken('no audience (aud)')
  if (!audience.some((value) => rules.audience.has(value))) {
    const accepted = [...rules.audience].map(describeValue).join(' or ') || 'nothing'
    const stated = describeValue(audience)
    throw new InvalidToken(`meant for another audience: aud is ${stated}, accepted: ${accepted}`)
  }
  const foreign = rules.strictAudience ? audience.find((value) => !rules.audience.has(value)) : undefined
  if (foreign !== undefined) {
    throw new InvalidToken(`also meant for another audience: ${describeValue(foreign)}`)
  }
}

/**
 * Throws InvalidToken for an ID token where the accepted audience is the id of the client itself, as
 * authentik needs it. Everywhere else the audience has told them apart: an ID token is meant for its client.
 * It looks like a login, is meant for nobody else, and states no scopes.
 */
function checkNotForClient (claims: JsonObject, rules: TokenRules, clientId: string | undefined): void {
  const claim = CLAIMS_OF_LOGIN.find((name) => Object.hasOwn(claims, name))
  if (claim === undefined || clientId === undefined) return
  const isForOthers = readAudience(claims).some((value) => value !== clientId && rules.audience.has(value))
  if (isForOthers || SCOPE_CLAIMS.some((name) => Object.hasOwn(claims, name))) return
  throw new InvalidToken(`an ID token: it has the claim ${claim}, and is meant for the client that it names`)
}

function checkClient (claims: JsonObject, clientIds: ReadonlySet<string>): void {
  const clientId = readOwn(claims, 'client_id')
  if (typeof clientId !== 'string' || !clientIds.has(clientId)) {
    throw new InvalidToken(`issued to another client: client_id is ${describeValue(clientId)}`)
  }
  const use = readOwn(claims, 'token_use')
  if (use !== undefined && use !== 'access') {
    throw new InvalidToken(`not an access token: token_use is ${describeValue(use)}`)
  }
}

/** Returns the client that a token was issued to, undefined when no claim says so. Throws InvalidToken. */
function readClientId (claims: JsonObject): string | undefined {
  for (const name of CLIENT_ID_CLAIMS) {
    const value = readOwn(claims, name)
    if (value === undefined || value === null) continue
    if (typeof value === 'string' && value !== '') return value
    throw new InvalidToken(`${name} is not a client id: ${describeValue(value)}`)
  }
  return undefined
}

/**
 * Returns the scopes of a token, from the first of the claims that is present and not null (A4). Values that
 * cannot be a scope (RFC 6749 §3.3) are left out: the upstream gets the scopes joined by spaces, and a value
 * with a space in it would become scopes that nobody granted. Throws InvalidToken when the claim is neither a
 * string, nor an array of strings, nor an object of roles.
 */
function readScopes (claims: JsonObject, scopeClaims: readonly string[]): ReadonlySet<string> {
  for (const path of scopeClaims) {
    const value = readPath(claims, path)
    if (value === undefined || value === null) continue
    const scopes = typeof value === 'string' ? value.split(' ') : readRoles(value) ?? value
    if (!isStringArray(scopes)) throw new InvalidToken(`the claim ${path} holds no scopes`)
    return new Set(scopes.filter(isScopeToken))
  }
  return new Set()
}

/**
 * Returns the roles of Zitadel's object, which names for each role the organizations that granted it:
 * `{"admin": {"2812…": "acme.example"}}`. A role of no organization is not granted. Undefined when the value
 * is anything else, Keycloak's `resource_access` among it.
 */
function readRoles (value: unknown): readonly string[] | undefined {
  if (!isJsonObject(value)) return undefined
  const roles = Object.entries(value)
  const isGrant = (grants: unknown): grants is JsonObject =>
    isJsonObject(grants) && isStringArray(Object.values(grants))
  if (roles.length === 0 || !roles.every(([, grants]) => isGrant(grants))) return undefined
  return roles.flatMap(([role, grants]) => Object.keys(grants as JsonObject).length > 0 ? [role] : [])
}

/** The whole path is tried as one name first, because claim names may be URLs. */
function readPath (claims: JsonObject, path: string): unknown {
  const literal = readOwn(claims, path)
  if (literal !== undefined) return literal
  return path.split('.')
    .reduce<unknown>((value, name) => isJsonObject(value) ? readOwn(value, name) : undefined, claims)
}

function readAudience (claims: JsonObject): readonly string[] {
  const audience = readOwn(claims, 'aud')
  if (audience === undefined) return []
  if (typeof audience === 'string') return [audience]
  if (isStringArray(audience)) return audience
  throw new InvalidToken('aud is neither a string nor an array of strings')
}

function readDate (claims: JsonObject, name: string): number | undefined {
  const value = readOwn(claims, name)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Math.abs(value) <= LAST_DATE) return value
  throw new InvalidToken(`${name} is not a date in seconds: ${describeValue(value)}`)
}

/** Ignores the prototype: `constructor` is a claim name like any other. */
function readOwn (object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function lowerCase (value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

function isStringArray (value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
