import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import { AuthorizationServerUnavailable } from './failures.js'
import { keepLastGood, type LastGood, type LastGoodTimes } from './last-good.js'

/** Where messages for operators go. */
export interface Log {
  warn (fields: Readonly<Record<string, unknown>>, message: string): void
  info (fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface DocumentKeeping {
  readonly now: () => number
  readonly log: Log
}

/** Keeps the last good copy of a document of an authorization server, and logs failures and recoveries. */
export function keepDocument<T> (
  what: string,
  { issuer }: AuthorizationServerConfig,
  { now, log }: DocumentKeeping,
  times: LastGoodTimes,
  load: () => Promise<T>
): LastGood<T> {
  return keepLastGood({
    ...times,
    load,
    now,
    onFailure (error, ageMs) {
      const fields = { issuer, reason: (error as Error).message }
      if (ageMs === undefined) {
        log.warn(fields, `${what} cannot be fetched`)
      } else {
        const message = `${what} cannot be fetched again; the last good copy stays in use`
        log.warn({ ...fields, ageSeconds: Math.round(ageMs / 1000) }, message)
      }
    },
    onRecovery: () => log.info({ issuer }, `${what} fetched again after a failure`)
  })
}

/** Returns a document, or throws AuthorizationServerUnavailable with the time to try again. */
export async function demand<T> (issuer: string, document: LastGood<T>): Promise<T> {
  try {
    return await document.get()
  } catch (error) {
    throw unavailable(issuer, document, (error as Error).message, error)
  }
}

/** Returns the failure that tells a client when the document may be there. */
export function unavailable (
  issuer: string, document: LastGood<unknown>, why: string, cause?: unknown
): AuthorizationServerUnavailable {
  const retryAfterSeconds = Math.max(1, Math.ceil(document.retryInMs() / 1000))
  const message = `authorization server ${issuer}: ${why}`
  return new AuthorizationServerUnavailable(message, retryAfterSeconds, { cause })
}
