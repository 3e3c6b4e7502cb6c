import type { Clock } from '../../clock.js'
import type { Principal } from '../../oauth/principal.js'

/** The principals that wait for a list. */
export interface ListsUnderWay {
  /** Notes that a principal has asked for a list. Returns how to note that the list is there. */
  begin (principal: Principal): () => void
  /** Returns whether a list could still come for this principal, on whichever of its responses. */
  has (principal: Principal): boolean
}

interface Waiting {
  count: number
  readonly until: number
}

/** A list that never came, because the client left or the server failed, is forgotten after ten minutes. */
const LONGEST_MS = 600_000

/** Returns a note of who waits for lists. The oldest stand first, so that forgetting them is cheap. */
export function noteListsUnderWay (clock: Clock): ListsUnderWay {
  const waiting = new Map<string, Waiting>()

  function forgetOld (): void {
    for (const [key, { until }] of waiting) {
      if (until > clock.now()) return
      waiting.delete(key)
    }
  }

  return {
    begin (principal) {
      forgetOld()
      const key = keyOf(principal)
      const count = (waiting.get(key)?.count ?? 0) + 1
      waiting.delete(key)
      waiting.set(key, { count, until: clock.now() + LONGEST_MS })
      let isThere = false
      return () => {
        const all = waiting.get(key)
        if (isThere || all === undefined) return
        isThere = true
        if (--all.count === 0) waiting.delete(key)
      }
    },
    has (principal) {
      if (waiting.size === 0) return false
      forgetOld()
      return waiting.has(keyOf(principal))
    }
  }
}

/** Clients of one user may share a session (F10), and with it the ids of requests. */
function keyOf ({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject])
}
