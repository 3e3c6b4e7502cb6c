import { parseJsonObject, type JsonObject } from './json-object.js'

/** Something that anybody may have written. To read it, a caller has to write `unverified`. */
export interface Unverified<T> {
  readonly unverified: T
}

/** A signed JWT, taken apart (RFC 7515 §3.1). Its signature has not been verified. */
export interface SignedToken {
  readonly form: 'jwt'
  /** The whole token, for verifying the signature. */
  readonly compact: string
  readonly header: Unverified<JsonObject>
  /** Without members when the payload is not a JSON object. */
  readonly claims: Unverified<JsonObject>
  /** As the token has it; undefined when it is missing or not base64url. */
  readonly signature: string | undefined
}

/** A token by its form: a signed JWT, an encrypted one (RFC 7516 §7.1), or one only its issuer can read. */
export type ParsedToken =
  | SignedToken
  | { readonly form: 'encrypted' }
  | { readonly form: 'opaque' }

/** Without padding and without any other character (RFC 7515 §2): decoders would skip those. */
const BASE64URL = /^[\w-]+$/

const NO_CLAIMS: JsonObject = {}

/** Returns the form of a token and, of a signed JWT, its parts. Does not throw. */
export function parseToken (token: string): ParsedToken {
  const parts = token.split('.')
  if (parts.length !== 3 && parts.length !== 5) return { form: 'opaque' }
  const [encodedHeader, encodedClaims, signature] = parts as [string, string, string]
  const header = decodeObject(encodedHeader)
  if (header === undefined) return { form: 'opaque' }
  if (parts.length === 5) return { form: Object.hasOwn(header, 'enc') ? 'encrypted' : 'opaque' }
  if (!Object.hasOwn(header, 'alg')) return { form: 'opaque' }
  return {
    form: 'jwt',
    compact: token,
    header: { unverified: header },
    claims: { unverified: decodeObject(encodedClaims) ?? NO_CLAIMS },
    signature: BASE64URL.test(signature) ? signature : undefined
  }
}

function decodeObject (part: string): JsonObject | undefined {
  return BASE64URL.test(part) ? parseJsonObject(Buffer.from(part, 'base64url')) : undefined
}
