import { compactVerify } from 'jose'
import type { AuthorizationServer } from './authorization-server.js'
import { checkTimes, readPrincipal } from './claims.js'
import { describeValue } from './describe.js'
import { InvalidToken } from './failures.js'
import type { JsonObject } from './json-object.js'
import { isAsymmetricAlgorithm, type VerificationKey } from './key-set.js'
import type { Principal } from './principal.js'
import type { VerifiedToken } from './token-cache.js'
import type { SignedToken } from './token-form.js'
import type { TokenRules, TrustedIssuer } from './token-rules.js'

/**
 * Values of `typ` in the header of an access token; `application/` may be left out (RFC 7515 §4.1.9, RFC 9068
 * §2.1). A token without `typ` may be an access token too (A2).
 */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

const SIGN_WITH_PRIVATE_KEY = 'the authorization server must sign with a private key'

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

interface VerifiedClaims {
  readonly key: VerificationKey
  readonly claims: JsonObject
}

/**
 * Returns the verifier for JWT access tokens (A2–A4, RFC 9068 §4, RFC 8725). It rejects with InvalidToken or
 * AuthorizationServerUnavailable.
 *
 * Before a token is verified, its `iss` chooses one of the configured issuers, and its `alg` and `kid` choose
 * among the keys of that issuer. Nothing else in it is believed; `jwk`, `jku`, `x5c` and `x5u` are never
 * read.
 *
 * jose verifies the signature. The claims are checked here and not by jose's jwtVerify, which knows only one
 * `typ`, does not check `iat`, and compares an audience with only one spelling.
 */
export function createJwtVerifier (
  trusted: readonly TrustedIssuer[], now: () => number
): (token: SignedToken) => Promise<VerifiedToken> {
  const byIssuer = new Map<unknown, TrustedIssuer>()
  for (const issuer of trusted) {
    for (const iss of issuer.rules.issuers) byIssuer.set(iss, issuer)
  }

  return async function verifyJwt (token) {
    const header = checkHeader(token.header.unverified)
    const { iss } = token.claims.unverified
    const issuer = byIssuer.get(iss)
    if (issuer === undefined) throw unknownIssuer(iss)
    checkAlgorithm(header.alg, issuer.rules)
    if (token.signature === undefined) throw new InvalidToken('the signature is missing or not base64url')
    const { key, claims } = await verifyClaims(token, header, issuer)
    return {
      principal: checkClaims(claims, issuer.rules, now() / 1000),
      isCurrent: () => issuer.authorizationServer.publishes(key)
    }
  }
}

function unknownIssuer (iss: unknown): InvalidToken {
  return new InvalidToken(`issuer is not configured: iss is ${describeValue(iss)}`)
}

function checkHeader (header: JsonObject): Header {
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw new InvalidToken('the header names no algorithm')
  if (kid !== undefined && typeof kid !== 'string') throw new InvalidToken('kid is not a string')
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase()))) {
    throw new InvalidToken(`not an access token: typ is ${describeValue(typ)}`)
  }
  // `crit` lists extensions that must be understood (RFC 7515 §4.1.11). None is supported here.
  if (Object.hasOwn(header, 'crit')) throw new InvalidToken('the header has critical extensions (crit)')
  return { alg, kid }
}

function checkAlgorithm (alg: string, { algorithms, issuer }: TokenRules): void {
  if (!isAsymmetricAlgorithm(alg)) {
    const shown = describeValue(alg)
    throw new InvalidToken(`signed with ${shown}, which is never accepted: ${SIGN_WITH_PRIVATE_KEY}`)
  }
  if (!algorithms.has(alg)) {
    throw new InvalidToken(`signed with ${alg}, which is not configured for ${issuer}`)
  }
}

/** Returns the claims once a published key has verified the signature over them. Throws as findSigningKey. */
async function verifyClaims (
  token: SignedToken, header: Header, issuer: TrustedIssuer
): Promise<VerifiedClaims> {
  const key = await findSigningKey(token, header, issuer.authorizationServer)
  return { key, claims: token.claims.unverified }
}

/**
 * Throws InvalidToken when no published key verifies the signature, and AuthorizationServerUnavailable when
 * it may be that of a key that was published just now.
 */
async function findSigningKey (
  token: SignedToken, { alg, kid }: Header, authorizationServer: AuthorizationServer
): Promise<VerificationKey> {
  const keys = await authorizationServer.findKeys(alg, kid)
  const key = await tryKeys(token, alg, keys)
  if (key !== undefined) return key
  if (kid !== undefined && keys.some((tried) => tried.kid === kid)) {
    throw new InvalidToken(`the signature does not verify with key ${describeValue(kid)}`)
  }
  // An unknown key, or no kid: a new key and a bad signature look alike, so the keys are fetched again (A5).
  const undecided = await authorizationServer.refetchKeys(kid)
  const others = (await authorizationServer.findKeys(alg, kid)).filter((other) => !keys.includes(other))
  const newKey = await tryKeys(token, alg, others)
  if (newKey !== undefined) return newKey
  if (undecided !== undefined) throw undecided
  if (keys.length + others.length > 0) {
    throw new InvalidToken('the signature does not verify with any published key')
  }
  throw new InvalidToken(`no key published for ${alg} and kid ${describeValue(kid)}`)
}

async function tryKeys (
  { compact }: SignedToken, alg: string, keys: readonly VerificationKey[]
): Promise<VerificationKey | undefined> {
  for (const key of keys) {
    const verification = compactVerify(compact, key.key, { algorithms: [alg] })
    if (await verification.then(() => true, () => false)) return key
  }
  return undefined
}

/** Returns the principal that verified claims speak for. Throws InvalidToken. */
function checkClaims (claims: JsonObject, rules: TokenRules, nowSeconds: number): Principal {
  const { iss } = claims
  if (typeof iss !== 'string' || !rules.issuers.has(iss)) throw unknownIssuer(iss)
  const expiresAt = checkTimes(claims, nowSeconds, rules.toleranceSeconds)
  if (expiresAt === undefined) throw new InvalidToken('no expiry (exp)')
  return readPrincipal(claims, rules, iss, expiresAt)
}
