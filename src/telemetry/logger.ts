import { destination, pino, type Logger } from 'pino'

export type { Logger }

/**
 * Opens the log: one JSON line per event on standard output, written in the background and
 * flushed at exit. `level` is one of pino's. Nothing that is logged comes from a request header
 * but what the audit event names (O5).
 */
export function openLogger (level: string): Logger {
  return pino({ level, base: null, messageKey: 'message', timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ dest: 1, sync: false }))
}
