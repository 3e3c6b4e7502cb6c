import { describeValue } from './describe.js'
import { InvalidToken } from './failures.js'
import type { JsonObject } from './json-object.js'

const PUT_SUB_INTO_TOKENS = 'configure the authorization server to put sub into access tokens ' +
  '(Keycloak: make the client scope "basic" a default scope of the client)'

/**
 * Claims that never tell one user from another. A token without `sub` that holds no other claim is a client's
 * own. Every other claim is a sign of a user, because the next vendor has a name of its own for one: `sid`,
 * `session_state`, `auth_time`, `acr`, `amr` (somebody has logged in), `username`, `preferred_username`,
 * `upn`, `unique_name`, `name`, `email`, `oid`, `uid`, `act` (who it is).
 */
const CLAIMS_OF_NO_USER: ReadonlySet<string> = new Set([
  // The token: RFC 7519 §4.1, RFC 7662 §2.2; what kind it is.
  'iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'active', 'token_type', 'token_use', 'typ', 'ver', 'version',
  // The client: RFC 8693 §4.3, OpenID Connect, Okta, Entra; Keycloak's client scope "service_account".
  'client_id', 'azp', 'cid', 'appid', 'azpacr', 'appidacr', 'clientId', 'clientHost', 'clientAddress',
  // Where the client belongs: Entra, Auth0.
  'tid', 'org_id',
  // What the client may do: RFC 9068 §2.2.3, Okta, Scalekit, Auth0, Keycloak.
  'scope', 'scp', 'scopes', 'roles', 'groups', 'entitlements', 'permissions', 'realm_access',
  'resource_access', 'allowed-origins'
])

/**
 * Returns whom a token is about: `sub`. Without `sub` it is the client, but only when the token is the
 * client's own (RFC 9068 §2.2): all users of a client would be one principal otherwise. `scopeClaims` are
 * names or dotted paths of claims that hold scopes, so they are no sign of a user either. Throws
 * InvalidToken, whose reason says what to configure.
 */
export function readSubject (
  claims: JsonObject, clientId: string | undefined, scopeClaims: readonly string[]
): string {
  if (Object.hasOwn(claims, 'sub')) return checkSubject(claims.sub)
  const sign = Object.keys(claims)
    .find((name) => !CLAIMS_OF_NO_USER.has(name) && !holdsScopes(name, scopeClaims))
  if (sign !== undefined) {
    const why = `the claim ${describeValue(sign)} may be a user's`
    throw new InvalidToken(`no subject: there is no sub, and ${why}: ${PUT_SUB_INTO_TOKENS}`)
  }
  if (clientId === undefined) {
    throw new InvalidToken(`no subject: there is neither sub nor a client: ${PUT_SUB_INTO_TOKENS}`)
  }
  return clientId
}

function checkSubject (subject: unknown): string {
  if (typeof subject === 'string' && subject !== '') return subject
  throw new InvalidToken(`no subject: sub is ${describeValue(subject)}`)
}

function holdsScopes (name: string, scopeClaims: readonly string[]): boolean {
  return scopeClaims.some((path) => path === name || path.startsWith(`${name}.`))
}
