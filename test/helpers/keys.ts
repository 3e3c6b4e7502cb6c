import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'

/** A key pair as an authorization server has it: one half signs, the other is published. */
export interface SigningKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  /** As it stands in a JWK Set. */
  readonly jwk: JWK
  /** Signs claims; `header` overrides members of the protected header, undefined removes one. */
  sign (claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** Generates a key pair. */
export async function createSigningKey (alg: string, kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...await exportJWK(publicKey), kid, alg, use: 'sig' }
  return {
    alg,
    kid,
    privateKey,
    publicKey,
    jwk,
    sign (claims, header = {}) {
      // jose leaves out members that are undefined, as JSON does.
      const merged = { alg, kid, ...header } as { alg: string }
      return new SignJWT(claims).setProtectedHeader(merged).sign(privateKey)
    }
  }
}

/** Returns a compact JWS with any header and payload and a signature of any bytes. */
export function forgeToken (
  header: unknown, payload: unknown, signature: Uint8Array = new Uint8Array()
): string {
  const parts = [JSON.stringify(header), JSON.stringify(payload), signature]
  return parts.map((part) => Buffer.from(part as string).toString('base64url')).join('.')
}
