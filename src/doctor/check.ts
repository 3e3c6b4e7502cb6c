/** How much a clause asks for. Only an unmet `must` is a failure; `info` is about optional things. */
export type Severity = 'must' | 'should' | 'info'

export type Result = 'pass' | 'fail' | 'warn' | 'skip'

/** What one check found. For `skip` the detail is the reason, for `pass` it may be empty. */
export interface Outcome {
  readonly result: Result
  readonly detail: string
}

/** One thing that must or should hold. */
export interface Check<Context> {
  /** Stable: scripts and the documentation refer to it. */
  readonly id: string
  /** What holds when the check passes. */
  readonly title: string
  /** The section that asks for it. */
  readonly clause: string
  readonly severity: Severity
  /** What to do when it does not hold. */
  readonly advice: string
  /** When this check fails, all later checks are skipped for this reason. */
  readonly blocks?: string
  readonly run: (context: Context) => Outcome | Promise<Outcome>
}

/** Checks that are printed together. */
export interface CheckGroup<Context> {
  readonly id: string
  readonly title: string
  readonly checks: ReadonlyArray<Check<Context>>
}

/** Ends a check that has nothing to look at; the message is the reason. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Returns the outcome of a check that holds. */
export function pass (detail = ''): Outcome {
  return { result: 'pass', detail }
}

/** Returns the outcome of a check that does not hold. */
export function fail (detail: string): Outcome {
  return { result: 'fail', detail }
}

/** Returns the outcome of a check that probably does not hold: what was seen may be on purpose. */
export function warn (detail: string): Outcome {
  return { result: 'warn', detail }
}

/** Returns the outcome of a check that could not be made. */
export function skip (reason: string): Outcome {
  return { result: 'skip', detail: reason }
}

/** Returns the outcome of a check that asks for the status 401. */
export function expectUnauthorized ({ status }: { readonly status: number }): Outcome {
  return status === 401 ? pass() : fail(`answered ${status}`)
}

/** Returns the name of a section of the MCP specification, for a check's `clause`. */
export function mcp (page: string, section: string): string {
  return `MCP 2026-07-28 ${page}, ${section}`
}
