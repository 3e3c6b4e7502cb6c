import { pino, type DestinationStream } from 'pino'

type Write = (fields: object, message?: string) => void

/** The log of the gateway: each line has fields for programs, and a sentence where people need one. */
export type Logger = Readonly<Record<'info' | 'warn' | 'error' | 'fatal', Write>>

/** Characters that JSON does not escape but that control a terminal, or break, hide or turn text. */
const INVISIBLE = /[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/**
 * Returns a line of JSON in which these characters are escaped, because clients and authorization servers
 * choose names that are logged. To a program the line means the same.
 */
export function escapeInvisible (line: string): string {
  return line.replace(INVISIBLE, (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'))
}

/** A log of which nothing is written, for commands that print what they have to say. */
export const SILENT: Logger = { info () {}, warn () {}, error () {}, fatal () {} }

/**
 * Returns a logger that writes one JSON line per event. `level` is one of pino's. Only the audit event holds
 * values from request headers, and it names them (O5).
 */
export function openLogger (level: string, destination: DestinationStream): Logger {
  return pino({
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    hooks: { streamWrite: escapeInvisible }
  }, destination)
}
