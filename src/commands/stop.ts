import type { Signals } from 'close-with-grace'

/**
 * Signals that close-with-grace would take for a request to stop. The kernel sends them for a crash in native
 * code: with a listener, the instruction that crashed runs again and again, at full load and without an end.
 */
export const CRASHES: Signals[] = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV']
