/** What a request brings as credentials (A1). `reason` is for the log and holds no part of them. */
export type BearerCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token', readonly token: string }
  | { readonly kind: 'malformed', readonly reason: string }

/** Longest access token that is looked at, in characters (A1). */
export const MAX_TOKEN_LENGTH = 16_384

const NONE: BearerCredentials = { kind: 'none' }
const SCHEME = 'bearer'
const SPACE = 0x20
const EQUALS = 0x3d

const QUERY_TOKEN = matchParameter('access_token')

/** Characters of b64token before its padding (RFC 6750 §2.1). */
const B64TOKEN = markCharacters('-._~+/')

/** Characters that can continue the name of a scheme (RFC 9110 §5.6.2). */
const TOKEN = markCharacters("!#$%&'*+-.^_`|~")

/**
 * Returns the Bearer token of a request, or why there is none. `rawHeaders` are names and values
 * in turn, as node:http received them: its parsed headers keep the first of two `Authorization`
 * headers and drop the other silently. `url` is the request target.
 *
 * Credentials of another scheme alone are `none`: they lack what RFC 6750 §3.1 calls
 * authentication information, so they are answered with a challenge and without an error.
 */
export function readBearerToken (rawHeaders: readonly string[], url: string): BearerCredentials {
  if (hasQueryToken(url)) return malformed('access_token in the query')
  let authorization: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (authorization !== undefined) return malformed('more than one Authorization header')
    authorization = rawHeaders[i + 1] as string
  }
  return authorization === undefined ? NONE : readAuthorization(authorization)
}

function readAuthorization (value: string): BearerCredentials {
  if (value === '') return malformed('empty Authorization header')
  if (!namesBearer(value)) {
    // A list, whose second member is the token: no sender means that, but a lenient upstream may read it.
    return /,\s*bearer\b/i.test(value) ? malformed('more than one credential in the Authorization header') : NONE
  }
  let start = SCHEME.length
  while (value.charCodeAt(start) === SPACE) start++
  if (start === value.length) return malformed('Bearer without a token')
  if (start === SCHEME.length) return malformed('no space after Bearer')
  if (value.length - start > MAX_TOKEN_LENGTH) return malformed(`token longer than ${MAX_TOKEN_LENGTH} characters`)
  return isB64Token(value, start)
    ? { kind: 'token', token: value.slice(start) }
    : malformed('Bearer is not followed by exactly one token')
}

function namesBearer (value: string): boolean {
  if (value.length < SCHEME.length || value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return false
  return TOKEN[value.charCodeAt(SCHEME.length)] !== 1
}

/** b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
function isB64Token (value: string, start: number): boolean {
  let at = start
  while (B64TOKEN[value.charCodeAt(at)] === 1) at++
  if (at === start) return false
  while (value.charCodeAt(at) === EQUALS) at++
  return at === value.length
}

function hasQueryToken (url: string): boolean {
  const question = url.indexOf('?')
  return question !== -1 && QUERY_TOKEN.test(url.slice(question))
}

/**
 * Matches the parameter with any of its characters percent-encoded. Any letter case counts, and `;`
 * separates as well: an upstream that reads queries so would take the parameter for a credential.
 */
function matchParameter (name: string): RegExp {
  const characters = [...name].map((character) => {
    const encodings = [character.toLowerCase(), character.toUpperCase()].map((letter) => `%${letter.charCodeAt(0).toString(16)}`)
    return `(?:${[character, ...encodings].join('|')})`
  })
  return new RegExp(`[?&;]${characters.join('')}(?:[=&;#]|$)`, 'i')
}

function malformed (reason: string): BearerCredentials {
  return { kind: 'malformed', reason }
}

function markCharacters (others: string): Uint8Array {
  const marks = new Uint8Array(128)
  const all = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789' + others
  for (let i = 0; i < all.length; i++) marks[all.charCodeAt(i)] = 1
  return marks
}
