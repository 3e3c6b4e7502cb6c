import { readFileSync } from 'node:fs'
import type { Paint } from './paint.js'

/** Where a command writes. In `cli.ts` these are the streams of the process. */
export interface Output {
  /** Writes a line to standard output. */
  print (line: string): void
  /** Writes a line to standard error. */
  printError (line: string): void
  /** For what is printed. */
  readonly paint: Paint
  /** For what is printed to standard error. */
  readonly paintError: Paint
}

/** Exit codes (O1). `usage` and `config` are those of sysexits.h. */
export const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 } as const

/** A command that was used wrongly; one line says what is wrong. */
export class UsageError extends Error {}

/**
 * Returns a secret given on the command line. `-` reads it from standard input, so that it is not in the list
 * of processes or the shell's history.
 */
export function readSecret (text: string): string {
  return text === '-' ? readFileSync(0, 'utf8').trim() : text
}
