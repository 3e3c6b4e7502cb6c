import type { IncomingMessage } from 'node:http'
import { holdBytes, TooManyBytes } from '../../mcp/held-bytes.js'

/** Calls back with the whole body, or with why there is none: TooManyBytes, or the client broke off. */
export type BodyRead = (error: Error | undefined, body: Buffer) => void

/** The body of a request, in one piece however many chunks it comes in. */
export interface RequestBody {
  /** Whether there may be more of it than is taken unasked. */
  readonly isLong: boolean
  /** Reads to the end, at most `limit` bytes. To be called once. */
  read (limit: number, done: BodyRead): void
}

declare module 'node:http' {
  interface IncomingMessage {
    /** Written by `holdBody`. A request without a body has none. */
    heldBody?: RequestBody
  }
}

/**
 * What is taken of a body that nobody has asked for yet. When there is more, the connection is not read any
 * further, so that beside this only what one read of the socket brings is held: 64 KiB.
 */
const MOST_UNASKED_BYTES = 4096
const BROKEN_OFF = 'the client broke off its request'
const NOTHING = Buffer.alloc(0)

/**
 * Takes the chunks of a body as they come. Node would keep an object for each of them, as long as nobody
 * reads: a hundred times the memory when a chunk is one byte. Stops reading the connection until somebody
 * wants the body, which is when the credentials are accepted.
 */
export function holdBody (request: IncomingMessage): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  if (encoding === undefined && (length === undefined || length === '0')) return
  const declared = encoding === undefined ? Number(length) : undefined
  let held = holdBytes(Infinity)
  /** The only chunk, when it is the whole body: it need not be copied. */
  let whole: Buffer | undefined
  let done: BodyRead | undefined
  let isAtEnd = false

  function finish (error?: Error): void {
    const report = done
    done = undefined
    report?.(error, error === undefined ? whole ?? held.take() : NOTHING)
  }

  request.on('data', (chunk: Buffer) => {
    if (chunk.length === declared) {
      whole = chunk
      return
    }
    try {
      held.append(chunk)
    } catch (error) {
      held = holdBytes(Infinity) // of what is too long nothing is kept
      finish(error as Error)
    }
    if (done === undefined && held.length() > MOST_UNASKED_BYTES) stopReading(request)
  })
  request.once('end', () => {
    isAtEnd = true
    finish()
  })
  request.once('close', () => { if (!isAtEnd) finish(new Error(BROKEN_OFF)) })

  request.heldBody = {
    isLong: declared === undefined || declared > MOST_UNASKED_BYTES,
    read (limit, callBack) {
      const size = declared ?? held.length()
      if (size > limit) return callBack(new TooManyBytes(limit), NOTHING)
      done = callBack
      if (request.socket.destroyed) return finish(new Error(BROKEN_OFF))
      if (isAtEnd) return finish()
      const early = held.take()
      held = holdBytes(limit)
      held.append(early)
      resumeReading(request)
    }
  }
}

/** Returns whether a part of the request's body is still to come. */
export function isUnread ({ heldBody, complete }: IncomingMessage): boolean {
  return heldBody !== undefined && !complete
}

/** A request that is being read wants its connection to be read, whoever has paused it. */
function stopReading (request: IncomingMessage): void {
  if (Object.hasOwn(request, '_read')) return
  request._read = () => {}
  request.socket.pause()
}

function resumeReading (request: IncomingMessage): void {
  if (!Object.hasOwn(request, '_read')) return
  Reflect.deleteProperty(request, '_read')
  request.socket.resume()
}
