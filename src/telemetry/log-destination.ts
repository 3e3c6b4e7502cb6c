import type { Clock } from '../clock.js'

/** Where the bytes of the log go. */
export interface Descriptor {
  /** Writes in the background. May write less than all, and may take any time. */
  write (bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  /** Writes what is taken at once and returns its size. Throws when nothing is taken. */
  writeSync (bytes: Buffer): number
}

export interface LogState {
  /** `writing`; else why nothing can be written: `stalled` (nobody reads), or the code of the error. */
  readonly state: string
  /** Lines lost since the start. */
  readonly lost: number
}

/** A destination for pino. It never throws, never blocks, and holds a bounded number of bytes. */
export interface LogDestination {
  write (line: string): void
  /** Writes what is taken at once. Pino calls it after a fatal error. */
  flushSync (): void
  /** Resolves when everything is written, or after `ms` milliseconds. */
  settle (ms: number): Promise<void>
  readonly state: () => LogState
  /** Whether a write has been under way for longer than any descriptor needs that works. */
  readonly isStuck: () => boolean
}

/** What may wait while nobody reads: about 7,000 audit events, and little beside the memory of a process. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024
/** After lines were lost, none is taken until so much of it is free: one gap, not one for each line. */
const FREE_AGAIN_BYTES = MOST_WAITING_BYTES / 2
/** A write of this size fills an empty pipe of Linux. */
const LARGEST_WRITE_BYTES = 64 * 1024
/** A reader that is only busy is asked again soon, and a full disk not in a loop. The pause doubles. */
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 1000
/** A write that takes longer hangs in the kernel. */
const STUCK_AFTER_MS = 1000

/** Lines that are written together. */
interface Batch {
  text: string
  bytes: number
}

/**
 * Writes lines in the background, in their order. While the descriptor takes nothing they wait; when too many
 * wait, further ones are lost and counted. `onGap` is called where the lines are missing, once there is room
 * again, so that it can write a line about them. No error is final: a disk gets room, a FIFO a new reader.
 */
export function openLogDestination (
  descriptor: Descriptor, clock: Clock, onGap: (lost: number) => void
): LogDestination {
  const batches: Batch[] = []
  let rest: Buffer | undefined // of the batch that is being written
  let waitingBytes = 0
  let lost = 0
  let gap = 0
  let state = 'writing'
  let pauseMs = SHORTEST_PAUSE_MS
  /** Set while a write is under way. */
  let writingSince: number | undefined
  let isPausing = false
  const settled = new Set<() => void>()

  const isStuck = (): boolean => writingSince !== undefined && clock.now() - writingSince >= STUCK_AFTER_MS

  function add (line: string, bytes: number): void {
    waitingBytes += bytes
    const last = batches.at(-1)
    if (last === undefined || last.bytes + bytes > LARGEST_WRITE_BYTES) {
      batches.push({ text: line, bytes })
      return
    }
    last.text += line
    last.bytes += bytes
  }

  function take (): Buffer | undefined {
    if (rest !== undefined) return rest
    const batch = batches.shift()
    return batch === undefined ? undefined : Buffer.from(batch.text)
  }

  function written (bytes: Buffer, size: number): void {
    waitingBytes -= size
    rest = size === bytes.length ? undefined : bytes.subarray(size)
    state = 'writing'
    pauseMs = SHORTEST_PAUSE_MS
  }

  function endGap (): void {
    if (gap === 0 || waitingBytes > FREE_AGAIN_BYTES) return
    const missing = gap
    gap = 0
    onGap(missing)
  }

  function writeNext (): void {
    if (writingSince !== undefined || isPausing) return
    const bytes = take()
    if (bytes === undefined) {
      for (const resolve of settled) resolve()
      return
    }
    rest = bytes
    writingSince = clock.now()
    descriptor.write(bytes, (error, size) => {
      writingSince = undefined
      if (error === null && size > 0) written(bytes, size)
      else pause(error?.code ?? 'EAGAIN')
      endGap()
      writeNext()
    })
  }

  function pause (code: string): void {
    state = code === 'EAGAIN' ? 'stalled' : code
    isPausing = true
    clock.after(pauseMs, () => {
      isPausing = false
      writeNext()
    })
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }

  return {
    isStuck,
    state: () => ({ state: isStuck() ? 'stalled' : state, lost }),
    write (line) {
      endGap()
      const bytes = Buffer.byteLength(line)
      if (gap > 0 || waitingBytes + bytes > MOST_WAITING_BYTES) {
        lost++
        gap++
        return
      }
      add(line, bytes)
      writeNext()
    },
    flushSync () {
      // Of a write under way nobody knows how much was taken: what follows could land in its middle.
      if (writingSince !== undefined) return
      try {
        for (let bytes = take(); bytes !== undefined; bytes = take()) {
          rest = bytes
          const size = descriptor.writeSync(bytes)
          if (size === 0) return
          written(bytes, size)
        }
      } catch {} // nothing more is taken
    },
    settle (ms) {
      if (waitingBytes === 0) return Promise.resolve()
      return new Promise((resolve) => {
        function finish (): void {
          settled.delete(finish)
          cancel()
          resolve()
        }
        const cancel = clock.after(ms, finish)
        settled.add(finish)
      })
    }
  }
}
