import type { Principal } from './principal.js'

/** A token that was accepted, and how long that may be relied on. */
export interface VerifiedToken {
  readonly principal: Principal
  /** Tells whether the key of the token is still published. Called on every use, so it must be cheap. */
  readonly isCurrent: () => boolean
  /** Shortens how long the token is remembered, in seconds. */
  readonly rememberSeconds?: number
}

export interface TokenCacheOptions {
  /** How long a token is remembered at most; 0 remembers nothing. */
  readonly seconds: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Default 10,000 tokens. */
  readonly maxTokens?: number
  /** Sum of the lengths of all tokens, default 16 Mi characters. */
  readonly maxCharacters?: number
}

export interface TokenCache {
  /** Returns the principal of a token that would certainly be accepted now, else undefined. */
  get (token: string): Principal | undefined
  /** Remembers an accepted token, at most until its `exp`. */
  add (token: string, verified: VerifiedToken): void
}

interface Entry {
  readonly verified: VerifiedToken
  /** Milliseconds since the epoch; the end is exclusive. */
  readonly from: number
  readonly until: number
}

/**
 * Remembers accepted tokens (A7). Refused ones are not remembered: they may become valid (the key is
 * published, `nbf` is reached), and junk would push valid tokens out.
 *
 * The key is the token itself. A digest of it would cost more than everything else here and would hide
 * nothing, because the tokens are in this process's memory with every request. Map compares the whole string,
 * so no collision can give one caller the principal of another.
 *
 * Memory is bounded by the number of tokens and by their length. There are two generations, each with half of
 * the limits: when the young one is full, it becomes the old one, and the old one is dropped. A token that is
 * used in time moves to the young one.
 */
export function createTokenCache (
  { seconds, now, maxTokens = 10_000, maxCharacters = 16 * 1024 * 1024 }: TokenCacheOptions
): TokenCache {
  let young = new Map<string, Entry>()
  let old = new Map<string, Entry>()
  let youngCharacters = 0

  function put (token: string, entry: Entry): void {
    if (young.size >= maxTokens / 2 || youngCharacters + token.length > maxCharacters / 2) {
      old = young
      young = new Map()
      youngCharacters = 0
    }
    if (!young.has(token)) youngCharacters += token.length
    young.set(token, entry)
  }

  function forget (token: string): void {
    if (young.delete(token)) youngCharacters -= token.length
    old.delete(token)
  }

  return {
    get (token) {
      let entry = young.get(token)
      if (entry === undefined) {
        entry = old.get(token)
        if (entry === undefined) return undefined
        put(token, entry)
      }
      const time = now()
      const { verified, from, until } = entry
      if (time >= from && time < until && verified.isCurrent()) return verified.principal
      forget(token)
      return undefined
    },
    add (token, verified) {
      const from = now()
      const lifetime = Math.min(seconds, verified.rememberSeconds ?? seconds)
      // During the tolerance after exp a token is verified each time, so it is refused on time.
      const until = Math.min(from + lifetime * 1000, verified.principal.expiresAt * 1000)
      if (until > from && token.length <= maxCharacters / 2) put(token, { verified, from, until })
    }
  }
}
