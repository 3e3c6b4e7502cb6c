/** Why something cannot be tried on this machine: a program that it has not got. Says nothing about interoperability. */
export class Missing extends Error {
  constructor (reason: string) {
    super(reason)
    this.name = 'Missing'
  }
}

/** What became of one client at one upstream. */
export type Outcome =
  /** It did everything that is asked of it. For want of a scope it got more, or said so when it does not ask for more. */
  | { readonly kind: 'ok', readonly steppedUp: boolean }
  /** Upstream and client have no revision in common, whatever stands between them. */
  | { readonly kind: 'impossible', readonly reason: string }
  /** Not tried: a program is missing here. */
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
  /** What it was found to speak; undefined when it could not be started. */
  readonly speaks: string | undefined
  readonly cells: readonly Cell[]
}
