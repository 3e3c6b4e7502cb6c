import { readFileSync } from 'node:fs'

/** Where a command writes; the process's own streams in `cli.ts`. */
export interface Output {
  /** Writes a line to standard output. */
  print (line: string): void
  /** Writes a line to standard error. */
  printError (line: string): void
}

/** sysexits.h: the command was used wrongly; the configuration is wrong (O1). */
export const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 } as const

/** A command that was used wrongly; the message says how to use it. */
export class UsageError extends Error {}

/** Returns a secret given on the command line; `-` stands for standard input, for one that no list of processes and no shell history should show. */
export function readSecret (text: string): string {
  return text === '-' ? readFileSync(0, 'utf8').trim() : text
}
