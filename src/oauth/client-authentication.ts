import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { IntrospectionConfig } from '../options/authorization-server.js'

/** The part of a request by which the authorization server knows us. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ASSERTION_LIFETIME_SECONDS = 60

/**
 * Returns the function that makes our credentials for an authorization server: `private_key_jwt` (RFC 7523
 * §2.2) when a private key is configured, else `client_secret_basic` (RFC 6749 §2.3.1). Throws when neither
 * is configured, or when the key is not a usable PKCS #8 PEM.
 */
export function createClientAuthentication (
  config: IntrospectionConfig, issuer: string, now: () => number
): () => Promise<ClientCredentials> {
  const { clientId, clientSecret, privateKey } = config
  if (privateKey !== undefined) {
    const { key, alg } = readPrivateKey(privateKey)
    return async () => ({
      headers: {},
      form: {
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await signAssertion(key, alg, clientId, issuer, now())
      }
    })
  }
  if (clientSecret === undefined) {
    throw new Error(`introspection at ${issuer} needs a clientSecret or a privateKey`)
  }
  const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')
  return async () => ({ headers: { authorization: `Basic ${basic}` }, form: {} })
}

/**
 * The audience is only the issuer. Were it the URL of an endpoint, another authorization server could get us
 * to make assertions that are accepted here (draft-ietf-oauth-rfc7523bis).
 */
function signAssertion (
  key: KeyObject, alg: string, clientId: string, issuer: string, nowMs: number
): Promise<string> {
  const iat = Math.floor(nowMs / 1000)
  const exp = iat + ASSERTION_LIFETIME_SECONDS
  return new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat, exp })
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(key)
}

/** Returns why a PEM text cannot sign assertions, or undefined when it can. The sentence never quotes it. */
export function findPrivateKeyFault (pem: string): string | undefined {
  if (!pem.trimStart().startsWith('-----BEGIN PRIVATE KEY-----')) return NOT_PKCS8
  try {
    readPrivateKey(pem)
    return undefined
  } catch (error) {
    return error instanceof UnusableKey ? error.message : NOT_PKCS8
  }
}

const NOT_PKCS8 = 'is not an unencrypted PKCS #8 key in PEM form ("-----BEGIN PRIVATE KEY-----"): ' +
  'convert it with `openssl pkcs8 -topk8 -nocrypt`, and keep its line breaks'

class UnusableKey extends Error {}

function readPrivateKey (pem: string): { key: KeyObject, alg: string } {
  const key = createPrivateKey(pem)
  const alg = algorithmFor(key)
  if (alg !== undefined) return { key, alg }
  throw new UnusableKey('is a key that cannot sign: use an RSA, P-256, P-384, P-521 or Ed25519 key')
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

/** Both halves are form-encoded before a colon joins them, so either may hold a colon (RFC 6749 §2.3.1). */
function formEncode (value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length)
}
