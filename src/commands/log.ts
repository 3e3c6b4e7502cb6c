import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { systemClock } from '../clock.js'
import type { LogFormat } from '../options/environment.js'
import { openLogDestination, type Descriptor, type LogState } from '../telemetry/log-destination.js'
import { openLogger, type FormatLine, type Logger } from '../telemetry/logger.js'
import { paintFor } from './paint.js'

/** The log of a process, on standard output. */
export interface Log {
  readonly logger: Logger
  readonly state: () => LogState
  /** Gives the last lines a moment to be written: not long, because nobody may read them. */
  settle (): Promise<void>
}

/** Enough for a reader that reads, even for all that may wait. */
const SETTLE_MS = 250

/** Opens the log. Whatever becomes of standard output, nobody waits for it (O6). */
export async function openLog (level: string, format: LogFormat): Promise<Log> {
  const formatLine = await findFormat(format)
  const destination = openLogDestination(openDescriptor(process.stdout.fd), systemClock, (lost) => {
    logger.error({ event: 'log', lost }, `${lost} lines are missing here: standard output took no more`)
  })
  const logger = openLogger(level, destination, formatLine)
  // Without a listener, a warning of Node for a reader that left would end the process.
  process.stderr.on('error', () => {})
  process.once('exit', () => {
    destination.flushSync()
    // A process waits for its threads before it ends, and this write holds one of them.
    if (destination.isStuck()) process.kill(process.pid, 'SIGKILL')
  })
  return { logger, state: destination.state, settle: () => destination.settle(SETTLE_MS) }
}

async function findFormat (format: LogFormat): Promise<FormatLine | undefined> {
  const isPretty = format === 'auto' ? process.stdout.isTTY : format === 'pretty'
  if (!isPretty) return undefined
  const { prettyLines } = await import('../telemetry/pretty-line.js')
  return prettyLines(paintFor(process.stdout))
}

/**
 * Returns a descriptor that does not block: for a pipe or a terminal one of our own. Whether writing to it
 * blocks is a property that all processes share which inherited it, and a Node program that ends sets it
 * back. A write that blocks holds a thread for ever, and with it the end of the process. `process.stdout` has
 * made the shared one non-blocking; that is for sockets, and where there is no /proc.
 */
function openDescriptor (inherited: number): Descriptor {
  const fd = reopen(inherited) ?? inherited
  return {
    write: (bytes, done) => { write(fd, bytes, done) },
    writeSync: (bytes) => writeSync(fd, bytes)
  }
}

function reopen (fd: number): number | undefined {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined // there is no /proc, or no reader now, or the pipe is somebody else's
  }
}
