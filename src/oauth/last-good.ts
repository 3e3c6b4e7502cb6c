/** How long a document is used, and how often it is fetched. All in milliseconds. */
export interface LastGoodTimes {
  /** Older than this, the document is fetched again in the background. */
  readonly refreshAfterMs: number
  /** Older than this, a reader waits for the fetch, unless the last one failed. */
  readonly awaitAfterMs: number
  /** Older than this, the document is no longer used. */
  readonly discardAfterMs: number
  /** Pause after a failure while there is nothing to use. */
  readonly retryAfterMs: number
  /** Pause between refetches that a reader asks for, and between failed background fetches. */
  readonly cooldownMs: number
}

export interface LastGoodOptions<T> extends LastGoodTimes {
  readonly load: () => Promise<T>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called after every failed load. `ageMs` is the age of the copy that stays in use, if there is one. */
  readonly onFailure: (error: unknown, ageMs: number | undefined) => void
  readonly onRecovery: () => void
}

/** A document that is fetched when needed and outlives an outage of the server it comes from. */
export interface LastGood<T> {
  /** Returns the document, and fetches it when there is none. Rejects with the error of the load. */
  get (): Promise<T>
  /** Returns the document if get() would not have to wait for it. */
  peek (): T | undefined
  /**
   * Fetches the document now, once for all who ask at the same time, and at most once per cooldown. `failed`:
   * the last fetch did. `paused`: nothing was fetched, because the cooldown is not over.
   */
  refetch (): Promise<'fetched' | 'failed' | 'paused'>
  /** `stale`: the last fetch failed and an older copy is in use. */
  state (): 'never' | 'fresh' | 'stale'
  /** Milliseconds since the copy in use was fetched; undefined when there is none. */
  ageMs (): number | undefined
  /** Milliseconds until a reader may cause the next fetch; 0 when that is now. */
  retryInMs (): number
}

interface Copy<T> { readonly document: T, readonly at: number }
interface Failure { readonly error: unknown, readonly at: number }

/**
 * Keeps the last good copy of a document. There are no timers: only reading causes fetches. So there is
 * nothing to stop, and a gateway without traffic fetches nothing.
 */
export function keepLastGood<T> (options: LastGoodOptions<T>): LastGood<T> {
  const { load, now, onFailure, onRecovery } = options
  let copy: Copy<T> | undefined
  let failure: Failure | undefined
  let pending: Promise<void> | undefined
  let refetchedAt = -Infinity

  /** A clock that is set back counts as moved on; otherwise nothing would be fetched until it caught up. */
  function since (time: number): number {
    return Math.abs(now() - time)
  }

  function attempt (): Promise<void> {
    pending ??= load().then(succeed, fail).finally(() => { pending = undefined })
    return pending
  }

  function succeed (document: T): void {
    copy = { document, at: now() }
    if (failure !== undefined) onRecovery()
    failure = undefined
  }

  function fail (error: unknown): void {
    failure = { error, at: now() }
    onFailure(error, ageOfUsable())
  }

  function ageOfUsable (): number | undefined {
    if (copy === undefined) return undefined
    const age = since(copy.at)
    return age < options.discardAfterMs ? age : undefined
  }

  function refreshWhenDue (age: number): void {
    if (age < options.refreshAfterMs) return
    if (failure === undefined || since(failure.at) >= options.cooldownMs) attempt()
  }

  function peek (): T | undefined {
    const age = ageOfUsable()
    if (age === undefined || (age >= options.awaitAfterMs && failure === undefined)) return undefined
    refreshWhenDue(age)
    return copy?.document
  }

  async function get (): Promise<T> {
    const ready = peek()
    if (ready !== undefined) return ready
    if (pending === undefined && failure !== undefined && retryInMs() > 0) throw failure.error
    await attempt()
    if (ageOfUsable() === undefined) throw failure?.error
    return (copy as Copy<T>).document
  }

  async function refetch (): Promise<'fetched' | 'failed' | 'paused'> {
    if (pending === undefined) {
      if (since(refetchedAt) < options.cooldownMs) return failure === undefined ? 'paused' : 'failed'
      refetchedAt = now()
    }
    await attempt()
    return failure === undefined ? 'fetched' : 'failed'
  }

  function retryInMs (): number {
    const pause = ageOfUsable() === undefined
      ? (failure === undefined ? 0 : options.retryAfterMs - since(failure.at))
      : options.cooldownMs - since(refetchedAt)
    return Math.max(0, pause)
  }

  function state (): 'never' | 'fresh' | 'stale' {
    if (ageOfUsable() === undefined) return 'never'
    return failure === undefined ? 'fresh' : 'stale'
  }

  return { get, peek, refetch, state, retryInMs, ageMs: ageOfUsable }
}
