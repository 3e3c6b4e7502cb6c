/**
 * The signature algorithms that can be accepted, and the keys that fit them. Only public-key algorithms:
 * anyone who has the public key could make an HMAC, and anyone at all `none` (A2, RFC 8725 §3.1).
 */
export const KEY_FAMILIES = {
  RS256: 'RSA',
  RS384: 'RSA',
  RS512: 'RSA',
  PS256: 'RSA',
  PS384: 'RSA',
  PS512: 'RSA',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519'
} as const

export type Algorithm = keyof typeof KEY_FAMILIES
export type KeyFamily = typeof KEY_FAMILIES[Algorithm]

export const ALGORITHMS = Object.keys(KEY_FAMILIES) as readonly Algorithm[]
