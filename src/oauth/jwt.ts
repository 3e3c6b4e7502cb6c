import { compactVerify } from 'jose'
import { checkTimes, readPrincipal } from './claims.js'
import { describeValue } from './describe.js'
import { InvalidToken } from './failures.js'
import { parseJsonObject, type JsonObject } from './json-object.js'
import { isAsymmetricAlgorithm, type VerificationKey } from './key-set.js'
import type { Principal } from './principal.js'
import type { VerifiedToken } from './token-cache.js'
import type { TokenRules, TrustedIssuer } from './token-rules.js'

/**
 * Media types of the header; `application/` may be left out (RFC 7515 §4.1.9, RFC 9068 §2.1). A
 * token that names none may be an access token too (A2).
 */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

/** Without padding and with nothing else in it (RFC 7515 §2): decoders skip what they do not know. */
const BASE64URL = /^[\w-]+$/

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

interface VerifiedClaims {
  readonly key: VerificationKey
  readonly claims: JsonObject
}

/** Returns what a token is by its form alone: a signed JWT, an encrypted one (RFC 7516 §7.1), or something only its issuer understands. */
export function readTokenForm (token: string): 'jwt' | 'encrypted' | 'opaque' {
  const parts = token.split('.')
  if (parts.length !== 3 && parts.length !== 5) return 'opaque'
  const header = decodeObject(parts[0] as string)
  if (header === undefined) return 'opaque'
  if (parts.length === 3) return Object.hasOwn(header, 'alg') ? 'jwt' : 'opaque'
  return Object.hasOwn(header, 'enc') ? 'encrypted' : 'opaque'
}

/**
 * Returns the verifier for JWT access tokens (A2–A4, RFC 9068 §4, RFC 8725). It rejects with
 * InvalidToken or AuthorizationServerUnavailable.
 *
 * Of a token that is not verified yet, `iss` chooses among the configured issuers, and `alg` and
 * `kid` choose among the keys of that issuer; nothing else is believed, and `jwk`, `jku`, `x5c` and
 * `x5u` are never read. jose verifies the signature; the claims are checked here and not by
 * jose's jwtVerify, which knows one `typ`, leaves `iat` alone, and has no audience that is spelt in
 * two ways.
 */
export function createJwtVerifier (trusted: readonly TrustedIssuer[], now: () => number): (token: string) => Promise<VerifiedToken> {
  const byIssuer = new Map<unknown, TrustedIssuer>()
  for (const issuer of trusted) {
    for (const iss of issuer.rules.issuers) byIssuer.set(iss, issuer)
  }

  return async function verifyJwt (token) {
    const [encodedHeader, encodedPayload, signature] = token.split('.') as [string, string, string]
    const header = checkHeader(decodeObject(encodedHeader))
    const iss = decodeObject(encodedPayload)?.iss
    const issuer = byIssuer.get(iss)
    if (issuer === undefined) throw new InvalidToken(`issuer is not configured: iss is ${describeValue(iss)}`)
    checkAlgorithm(header.alg, issuer.rules)
    if (!BASE64URL.test(signature)) throw new InvalidToken('the signature is missing or not base64url')
    const { key, claims } = await verifySignature(token, header, issuer)
    return {
      principal: checkClaims(claims, issuer.rules, now() / 1000),
      isCurrent: () => issuer.authorizationServer.publishes(key)
    }
  }
}

function checkHeader (header: JsonObject | undefined): Header {
  if (header === undefined) throw new InvalidToken('the header is not a JSON object')
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw new InvalidToken('the header names no algorithm')
  if (kid !== undefined && typeof kid !== 'string') throw new InvalidToken('kid is not a string')
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase()))) {
    throw new InvalidToken(`not an access token: typ is ${describeValue(typ)}`)
  }
  // No extension is understood here, so each one that must be understood is one too many (RFC 7515 §4.1.11).
  if (Object.hasOwn(header, 'crit')) throw new InvalidToken('the header has critical extensions (crit)')
  return { alg, kid }
}

function checkAlgorithm (alg: string, { algorithms, issuer }: TokenRules): void {
  if (!isAsymmetricAlgorithm(alg)) {
    throw new InvalidToken(`signed with ${describeValue(alg)}, which is never accepted: the authorization server must sign with a private key`)
  }
  if (!algorithms.has(alg)) throw new InvalidToken(`signed with ${alg}, which is not configured for ${issuer}`)
}

async function verifySignature (token: string, { alg, kid }: Header, { authorizationServer }: TrustedIssuer): Promise<VerifiedClaims> {
  const keys = await authorizationServer.findKeys(alg, kid)
  const verified = await tryKeys(token, alg, keys)
  if (verified !== undefined) return verified
  if (keys.length === 0) throw new InvalidToken(`no key published for ${alg} and kid ${describeValue(kid)}`)
  if (kid === undefined) {
    // Without kid a new key cannot be told from a bad signature, so this is the refetch of A5.
    await authorizationServer.refetchKeys()
    const others = (await authorizationServer.findKeys(alg, kid)).filter((key) => !keys.includes(key))
    const verifiedNow = await tryKeys(token, alg, others)
    if (verifiedNow !== undefined) return verifiedNow
  }
  throw new InvalidToken(`the signature does not verify with ${kid === undefined ? 'any published key' : `key ${describeValue(kid)}`}`)
}

async function tryKeys (token: string, alg: string, keys: readonly VerificationKey[]): Promise<VerifiedClaims | undefined> {
  for (const key of keys) {
    const payload = await compactVerify(token, key.key, { algorithms: [alg] }).then((result) => result.payload, () => undefined)
    if (payload === undefined) continue
    const claims = parseJsonObject(payload)
    if (claims === undefined) throw new InvalidToken('the payload is not a JSON object')
    return { key, claims }
  }
  return undefined
}

/** Checks verified claims; only from here on is anything in them a fact. */
function checkClaims (claims: JsonObject, rules: TokenRules, nowSeconds: number): Principal {
  const { iss } = claims
  if (typeof iss !== 'string' || !rules.issuers.has(iss)) throw new InvalidToken(`issuer is not configured: iss is ${describeValue(iss)}`)
  const expiresAt = checkTimes(claims, nowSeconds, rules.toleranceSeconds)
  if (expiresAt === undefined) throw new InvalidToken('no expiry (exp)')
  return readPrincipal(claims, rules, iss, expiresAt)
}

function decodeObject (part: string): JsonObject | undefined {
  return BASE64URL.test(part) ? parseJsonObject(Buffer.from(part, 'base64url')) : undefined
}
