/** The credentials of a request (A1). `reason` is for the log and holds no part of them. */
export type BearerCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token', readonly token: string }
  | { readonly kind: 'malformed', readonly reason: string }

/** Longest access token that is accepted, in characters (A1). */
export const MAX_TOKEN_LENGTH = 16_384

const NONE: BearerCredentials = { kind: 'none' }
/**
 * credentials = "Bearer" 1*SP b64token (RFC 6750 §2.1). No character can belong to two of its parts, so
 * matching takes linear time.
 */
const BEARER = /^bearer +[\w\-.~+/]+=*$/i

/** The scheme Bearer, and not a longer name that starts with it (RFC 9110 §5.6.2). */
const BEARER_SCHEME = /^bearer(?![\w!#$%&'*+\-.^`|~])/i

/** A list with a Bearer member. No client should send one, but a lenient upstream may read it. */
const BEARER_IN_LIST = /,\s*bearer\b/i

const QUERY_TOKEN = matchParameter('access_token')

/**
 * Returns the Bearer token of a request, or why there is none. `rawHeaders` are names and values in turn, as
 * node:http received them: its parsed headers silently drop the second of two `Authorization` headers. `url`
 * is the request target.
 *
 * Credentials of another scheme count as `none`: they are not what RFC 6750 §3.1 calls authentication
 * information, so the response is a challenge without an error.
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
  if (!BEARER.test(value)) return explainMismatch(value)
  const token = value.slice(value.lastIndexOf(' ') + 1)
  if (token.length > MAX_TOKEN_LENGTH) return malformed(`token longer than ${MAX_TOKEN_LENGTH} characters`)
  return { kind: 'token', token }
}

function explainMismatch (value: string): BearerCredentials {
  if (value === '') return malformed('empty Authorization header')
  if (!BEARER_SCHEME.test(value)) {
    if (!BEARER_IN_LIST.test(value)) return NONE
    return malformed('more than one credential in the Authorization header')
  }
  if (/^bearer *$/i.test(value)) return malformed('Bearer without a token')
  return malformed('Bearer is not followed by a space and exactly one token')
}

function hasQueryToken (url: string): boolean {
  const question = url.indexOf('?')
  return question !== -1 && QUERY_TOKEN.test(url.slice(question))
}

/**
 * Returns an expression that finds the parameter in a query, with any of its characters percent-encoded, in
 * any letter case, and after `;` as well: an upstream may read queries like this and take it for a
 * credential.
 */
function matchParameter (name: string): RegExp {
  const characters = [...name].map((character) => {
    const encodings = [character.toLowerCase(), character.toUpperCase()]
      .map((letter) => `%${letter.charCodeAt(0).toString(16)}`)
    return `(?:${[character, ...encodings].join('|')})`
  })
  return new RegExp(`[?&;]${characters.join('')}(?:[=&;#]|$)`, 'i')
}

function malformed (reason: string): BearerCredentials {
  return { kind: 'malformed', reason }
}
