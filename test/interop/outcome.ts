/**
 * This machine lacks a program, so that something cannot be tried. It says nothing about interoperability.
 */
export class Missing extends Error {
  constructor (reason: string) {
    super(reason)
    this.name = 'Missing'
  }
}

/** The outcome of one client at one upstream. */
export type Outcome =
  /**
   * The client did its task. When a scope was missing, it got the scope or reported that it is missing.
   * `note` says why, where that is not the client's own doing.
   */
  | { readonly kind: 'ok', readonly steppedUp: boolean, readonly note?: string | undefined }
  /** Upstream and client have no revision in common. */
  | { readonly kind: 'impossible', readonly reason: string }
  /** Not tried: this machine lacks a program. */
  | { readonly kind: 'missing', readonly reason: string }
  | { readonly kind: 'failed', readonly what: string }

export interface Cell {
  /** Title of the client. */
  readonly client: string
  readonly outcome: Outcome
}

/** One upstream and all clients. */
export interface Row {
  /** Title of the upstream. */
  readonly upstream: string
  /** The revisions that it speaks; undefined when it could not be started. */
  readonly speaks: string | undefined
  readonly cells: readonly Cell[]
}
