import { pino, type DestinationStream } from 'pino'

type Write = (fields: object, message?: string) => void

/** The log of the gateway: each line has fields for programs, and a sentence where people need one. */
export type Logger = Readonly<Record<'info' | 'warn' | 'error' | 'fatal', Write>> & {
  /** Absent while that level is off: `debug?.({ … })` does not even build the fields then. */
  readonly debug?: Write
}

/** Characters that JSON does not escape but that control a terminal, or break, hide or turn text. */
const INVISIBLE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/**
 * Returns a line of JSON in which these characters are escaped, because clients and authorization servers
 * choose names that are logged. To a program the line means the same.
 */
export function escapeInvisible (line: string): string {
  return line.replace(INVISIBLE, (character) => character.split('').map(escapeUnit).join(''))
}

/** JSON escapes code units: a character beyond U+FFFF has two (RFC 8259 §7). */
function escapeUnit (unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A log of which nothing is written, for commands that print what they have to say. */
export const SILENT: Logger = { info () {}, warn () {}, error () {}, fatal () {} }

/** Turns a line of JSON into the one that is written, both with their ends. */
export type FormatLine = (line: string) => string

/**
 * Returns a logger that writes one line per event, of JSON unless `format` makes another one of it. `level`
 * is one of pino's. Only the audit event and the events of `debug` hold values from request headers, and they
 * name them (O5).
 */
export function openLogger (
  level: string, destination: DestinationStream, format: FormatLine = escapeInvisible
): Logger {
  const logger = pino({
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    hooks: { streamWrite: format }
  }, destination)
  return {
    ...(logger.isLevelEnabled('debug') ? { debug: logger.debug.bind(logger) } : {}),
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    fatal: logger.fatal.bind(logger)
  }
}
