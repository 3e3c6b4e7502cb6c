import { parseJsonObject, type JsonObject } from './exchange.js'

/** An access token that is a JWT, decoded but not verified. */
export interface DecodedToken {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** Returns the header and the claims of a compact JWS (RFC 7515 §3.1); undefined for an opaque token. */
export function decodeToken (token: string): DecodedToken | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const texts = parts.slice(0, 2).map((part) => Buffer.from(part, 'base64url').toString())
  const [header, claims] = texts.map(parseJsonObject)
  return header === undefined || claims === undefined ? undefined : { header, claims }
}

/** Returns the values of a token's `aud` (RFC 7519 §4.1.3). */
export function audienceOf ({ aud }: JsonObject): readonly string[] {
  return (Array.isArray(aud) ? aud : [aud]).filter((value) => typeof value === 'string')
}

/**
 * Returns the token with another signature of the same length. A character in the middle changes,
 * because the last character of base64url may hold bits that mean nothing.
 */
export function breakSignature (token: string): string {
  const start = token.lastIndexOf('.') + 1
  const middle = start + Math.floor((token.length - start) / 2)
  return token.slice(0, middle) + (token[middle] === 'A' ? 'B' : 'A') + token.slice(middle + 1)
}

/** Returns the token with `alg` "none" and without a signature (RFC 8725 §2.1). */
export function removeSignature ({ header }: DecodedToken, token: string): string {
  const unsigned = Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')
  return `${unsigned}.${token.split('.')[1]}.`
}

/**
 * Returns the strings that must not appear in a report: the tokens and their signatures.
 * Without its signature a token is worthless.
 */
export function secretsOf (tokens: ReadonlyArray<string | undefined>): readonly string[] {
  return tokens.flatMap((token) => {
    if (token === undefined) return []
    const signature = token.slice(token.lastIndexOf('.') + 1)
    return signature.length >= 16 ? [token, signature] : [token]
  })
}
