import { checkTimes, readPrincipal } from './claims.js'
import { describeValue } from './describe.js'
import { AuthorizationServerUnavailable, InvalidToken } from './failures.js'
import type { JsonObject } from './json-object.js'
import type { VerifiedToken } from './token-cache.js'
import type { TokenRules, TrustedIssuer } from './token-rules.js'

/** Values of `token_type` for a token that may be used as a Bearer token. */
const BEARER_TYPES: ReadonlySet<string> = new Set(['bearer', 'access_token'])

/**
 * Returns the verifier for opaque tokens. It asks the authorization servers with introspection in their
 * configured order, and the first one that knows the token decides (RFC 7662). It rejects with InvalidToken,
 * or with AuthorizationServerUnavailable when none knows the token but one of them could not be asked.
 */
export function createOpaqueTokenVerifier (
  trusted: readonly TrustedIssuer[], now: () => number
): (token: string) => Promise<VerifiedToken> {
  const asked = trusted.flatMap(({ rules, authorizationServer: { introspect } }) =>
    introspect === undefined ? [] : [{ rules, introspect }])

  return async function verifyOpaqueToken (token) {
    if (asked.length === 0) {
      throw new InvalidToken('not a JWT, and no authorization server is configured for introspection')
    }
    let unavailable: AuthorizationServerUnavailable | undefined
    for (const { rules, introspect } of asked) {
      try {
        const claims = await introspect(token)
        if (claims !== undefined) return readVerified(claims, rules, now() / 1000)
      } catch (error) {
        if (!(error instanceof AuthorizationServerUnavailable)) throw error
        unavailable ??= error
      }
    }
    throw unavailable ?? new InvalidToken('not active at any authorization server')
  }
}

function readVerified (claims: JsonObject, rules: TokenRules, nowSeconds: number): VerifiedToken {
  const { iss = rules.issuer, token_type: type } = claims
  if (typeof iss !== 'string' || !rules.issuers.has(iss)) {
    throw new InvalidToken(`introspected by ${rules.issuer}, but iss is ${describeValue(iss)}`)
  }
  if (type !== undefined && !(typeof type === 'string' && BEARER_TYPES.has(type.toLowerCase()))) {
    throw new InvalidToken(`not a Bearer token: token_type is ${describeValue(type)}`)
  }
  // Without exp the claims hold as long as they may be remembered; then introspection is asked again.
  const expiresAt = checkTimes(claims, nowSeconds, rules.toleranceSeconds) ??
    Math.floor(nowSeconds) + Math.max(1, rules.introspectionSeconds)
  const principal = readPrincipal(claims, rules, iss, expiresAt)
  return { principal, rememberSeconds: rules.introspectionSeconds, isCurrent: () => true }
}
