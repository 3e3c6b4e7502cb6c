/** The first modern revision. Every request of it says what `initialize` used to negotiate. */
const FIRST_MODERN = '2026-07-28'

const DATE = /^\d{4}-\d{2}-\d{2}$/

/** What a protocol revision requires of a message that is posted. */
export interface Requirements {
  /** Whether the headers must repeat what the body says (transports/streamable-http, Request Metadata). */
  readonly mirroredHeaders: boolean
  /** Whether a client may post responses to requests that the upstream sent on a stream. */
  readonly responses: boolean
  /** Whether `Mcp-Session-Id` means anything. */
  readonly sessions: boolean
  /**
   * Whether `resources/subscribe` and `resources/unsubscribe` exist; `subscriptions/listen` replaced them.
   */
  readonly resourceSubscriptions: boolean
}

const MODERN: Requirements = {
  mirroredHeaders: true, responses: false, sessions: false, resourceSubscriptions: false
}
const LEGACY: Requirements = {
  mirroredHeaders: false, responses: true, sessions: true, resourceSubscriptions: true
}

/**
 * Returns whether a protocol version names revision 2026-07-28 or a later one. Text that is not a calendar
 * date is not modern. That weakens no check, because every decision is made from the body (behaviour M7).
 */
export function isModern (version: string | undefined): boolean {
  if (version === undefined || version < FIRST_MODERN || !DATE.test(version)) return false
  const date = new Date(`${version}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(version)
}

/** Returns what the revision of that name requires. An unknown or absent one counts as legacy. */
export function requirementsOf (version: string | undefined): Requirements {
  return isModern(version) ? MODERN : LEGACY
}
