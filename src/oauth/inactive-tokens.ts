import { createHash } from 'node:crypto'

/** Tokens of which the authorization server has said that they are not active. */
export interface InactiveTokens {
  has (token: string): boolean
  add (token: string): void
}

/**
 * Long enough that a client that goes on with an old token does not cause a request each time. Short enough
 * for a token that another part of the authorization server has just issued.
 */
const REMEMBER_MS = 5_000
/** Each entry is a digest, so all of them take about 2 MB. */
const MAX_TOKENS = 10_000

/** Remembers tokens that are not active, for a few seconds and up to a number. `now` is in milliseconds. */
export function rememberInactive (now: () => number): InactiveTokens {
  const until = new Map<string, number>()
  return {
    has (token) {
      if (until.size === 0) return false
      const key = digest(token)
      const end = until.get(key)
      if (end === undefined) return false
      // A clock that is set back must not lengthen this.
      const left = end - now()
      if (left > 0 && left <= REMEMBER_MS) return true
      until.delete(key)
      return false
    },
    add (token) {
      const [oldest] = until.keys()
      if (until.size >= MAX_TOKENS && oldest !== undefined) until.delete(oldest)
      until.set(digest(token), now() + REMEMBER_MS)
    }
  }
}

/** Tokens may be long, and strangers choose them. */
function digest (token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
