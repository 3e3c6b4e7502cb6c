import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { IntrospectionConfig } from '../config/config.js'

/** What a request to the authorization server carries so that it knows us. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ASSERTION_LIFETIME_SECONDS = 60

/**
 * Returns how we authenticate at an authorization server: `private_key_jwt` (RFC 7523 §2.2) when a
 * private key is configured, else `client_secret_basic` (RFC 6749 §2.3.1). Throws when there is
 * neither, or when the key is not a usable PKCS #8 PEM.
 */
export function createClientAuthentication (config: IntrospectionConfig, issuer: string, now: () => number): () => Promise<ClientCredentials> {
  const { clientId, clientSecret, privateKey } = config
  if (privateKey !== undefined) {
    const { key, alg } = readPrivateKey(privateKey)
    return async () => ({
      headers: {},
      form: { client_assertion_type: ASSERTION_TYPE, client_assertion: await signAssertion(key, alg, clientId, issuer, now()) }
    })
  }
  if (clientSecret === undefined) throw new Error(`introspection at ${issuer} needs a clientSecret or a privateKey`)
  const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')
  return async () => ({ headers: { authorization: `Basic ${basic}` }, form: {} })
}

/**
 * The audience is the issuer alone: one that may be an endpoint's URL lets another server obtain
 * assertions that are good here (draft-ietf-oauth-rfc7523bis).
 */
function signAssertion (key: KeyObject, alg: string, clientId: string, issuer: string, nowMs: number): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000)
  return new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat: issuedAt, exp: issuedAt + ASSERTION_LIFETIME_SECONDS })
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(key)
}

function readPrivateKey (pem: string): { key: KeyObject, alg: string } {
  const key = createPrivateKey(pem)
  const alg = algorithmFor(key)
  if (alg === undefined) throw new Error('introspection.privateKey is of a kind that cannot sign assertions')
  return { key, alg }
}

function algorithmFor ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  switch (asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType) {
    case 'rsa': return 'RS256'
    case 'rsa-pss': return 'PS256'
    case 'prime256v1': return 'ES256'
    case 'secp384r1': return 'ES384'
    case 'secp521r1': return 'ES512'
    case 'ed25519': return 'EdDSA'
    default: return undefined
  }
}

/** Both halves are form-encoded before they are joined, so a colon in either stays its own (RFC 6749 §2.3.1). */
function formEncode (value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length)
}
