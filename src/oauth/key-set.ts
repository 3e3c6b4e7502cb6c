import { createPublicKey, type KeyObject } from 'node:crypto'
import { KEY_FAMILIES, type KeyFamily } from '../options/algorithms.js'
import { describeValue } from './describe.js'
import { isJsonObject, type JsonObject } from './json-object.js'

/** A key that an authorization server publishes for verifying its signatures. */
export interface VerificationKey {
  /** The JSON text that published the key. */
  readonly id: string
  readonly key: KeyObject
  readonly kid?: string
  /** What the key says about itself: the one algorithm it is for. */
  readonly alg?: string
  /** What the key can be used with, whatever it says about itself. */
  readonly family: KeyFamily
}

/** Keys by id. A key that did not change stays the same object when the keys are fetched again. */
export type KeySet = ReadonlyMap<string, VerificationKey>

const FAMILIES: ReadonlyMap<string, KeyFamily> = new Map(Object.entries(KEY_FAMILIES))

/** A token without `kid` is tried with every key that fits, so their number is limited. */
const MAX_KEYS = 100
const MIN_RSA_BITS = 2048

/**
 * Returns the keys of a JWK Set (RFC 7517 §5) that can verify signatures. All others are skipped, because one
 * bad key must not cost the others (A5): silently when a key is for another use, with a reason to `onSkip`
 * when it is unusable. Keys that `previous` holds are taken from there. Throws TypeError when the document is
 * not a JWK Set.
 */
export function readKeySet (
  document: JsonObject, previous: KeySet, onSkip: (reason: string) => void
): KeySet {
  const { keys } = document
  if (!Array.isArray(keys)) throw new TypeError('the document has no array "keys"')
  const usable = new Map<string, VerificationKey>()
  for (const jwk of keys as readonly unknown[]) {
    if (usable.size === MAX_KEYS) {
      onSkip(`more than ${MAX_KEYS} keys`)
      break
    }
    const id = JSON.stringify(jwk)
    const key = previous.get(id) ?? readKey(jwk, id, onSkip)
    if (key !== undefined) usable.set(id, key)
  }
  return usable
}

/**
 * Returns the keys that may have made a signature, by algorithm and by the token's `kid` (RFC 7515 §4.1.4).
 * For a token without `kid` these are all that fit its algorithm. For a `kid` that no key has, these are the
 * keys without one: a `kid` is a hint, and not every authorization server publishes what its tokens name.
 */
export function selectKeys (keys: KeySet, alg: string, kid: string | undefined): readonly VerificationKey[] {
  const family = FAMILIES.get(alg)
  const fitting = [...keys.values()].filter((key) =>
    key.family === family && (key.alg === undefined || isSameAlgorithm(key.alg, alg)))
  if (kid === undefined) return fitting
  const named = fitting.filter((key) => key.kid === kid)
  return named.length > 0 ? named : fitting.filter((key) => key.kid === undefined)
}

/** Tells whether an algorithm can be accepted at all. */
export function isAsymmetricAlgorithm (alg: string): boolean {
  return FAMILIES.has(alg)
}

/** RFC 9864 §2.2: `Ed25519` is the new name of what `EdDSA` means with an Ed25519 key. */
function isSameAlgorithm (one: string, other: string): boolean {
  return one === other || (FAMILIES.get(one) === 'Ed25519' && FAMILIES.get(other) === 'Ed25519')
}

function readKey (jwk: unknown, id: string, onSkip: (reason: string) => void): VerificationKey | undefined {
  if (!isJsonObject(jwk)) return skip('a member is not an object')
  const { kty, use, key_ops: operations, kid, alg } = jwk
  const shown = typeof kid === 'string' ? `key ${describeValue(kid)}` : 'a key without kid'
  if (use !== undefined && use !== 'sig') return undefined
  const canVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  if (!canVerify) return undefined
  if (kty === 'oct') return skip(`${shown} is a symmetric key`)
  // Everybody who reads the document can sign with this key.
  const isPrivate = jwk.d !== undefined || jwk.priv !== undefined
  if (isPrivate) return skip(`${shown} is published with its private part`)
  if (alg !== undefined && !(typeof alg === 'string' && FAMILIES.has(alg))) {
    return skip(`${shown} is for an algorithm that is not supported`)
  }
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const family = familyOf(key)
    if (family === undefined) return skip(`${shown} is of a kind or size that is not supported`)
    return {
      id,
      key,
      family,
      ...(typeof kid === 'string' ? { kid } : {}),
      ...(alg === undefined ? {} : { alg })
    }
  } catch (error) {
    return skip(`${shown} cannot be read: ${(error as Error).message}`)
  }

  function skip (reason: string): undefined {
    onSkip(reason)
    return undefined
  }
}

function familyOf ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyFamily | undefined {
  const { modulusLength = 0, namedCurve } = asymmetricKeyDetails ?? {}
  if (asymmetricKeyType === 'rsa') return modulusLength >= MIN_RSA_BITS ? 'RSA' : undefined
  if (asymmetricKeyType === 'ed25519') return 'Ed25519'
  if (asymmetricKeyType !== 'ec') return undefined
  switch (namedCurve) {
    case 'prime256v1': return 'P-256'
    case 'secp384r1': return 'P-384'
    case 'secp521r1': return 'P-521'
    default: return undefined
  }
}
