/**
 * Server-sent events on their way through (WHATWG HTML §9.2). Lines end with LF, CR or CRLF, a byte order
 * mark may stand before the first, and a blank line ends an event. Only the data of an event is ever changed.
 * Every other byte is kept, and every byte of an event whose data stays the same.
 */
import { TooManyBytes, holdBytes } from './held-bytes.js'

export interface ServerSentEvent {
  /** The last `event` field of the event; `message` when there is none or it is empty. */
  readonly type: string
  /** All `data` fields, joined by LF; empty when there is none. */
  readonly data: Buffer
  /**
   * The lines that a tolerant reader could read as something else: no field of the standard, or a field with
   * a character at which only some readers end a line.
   */
  readonly stray: readonly Buffer[]
}

/**
 * Returns the data that an event is to have. It is called for every event with data or stray lines. What it
 * throws ends the editing and reaches the caller.
 */
export type EditEvent = (event: ServerSentEvent) => Buffer

export interface EventEditor {
  /**
   * Passes on the events and comments that are complete after these bytes. Throws TooManyBytes, TooManyLines,
   * and what the edit throws.
   */
  push (chunk: Buffer): void
  /**
   * Passes on the rest when the stream ends. Data without a blank line after it is edited like an event.
   * Throws what `push` throws.
   */
  end (): void
}

interface Line {
  readonly start: number
  /** Where its content ends. */
  readonly end: number
  /** Where the next line starts. */
  readonly next: number
}

interface Field {
  readonly name: string
  readonly value: Buffer
}

/** An event has more lines than the gateway reads. */
export class TooManyLines extends Error {
  override readonly name = 'TooManyLines'
}

/** While an event is read, each line costs many times the memory of a short line. */
const MOST_LINES = 100_000

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const NEWLINE = Buffer.from('\n')
const CRLF = Buffer.from('\r\n')
const DATA_FIELD = Buffer.from('data: ')
const NOTHING = Buffer.alloc(0)
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** A comment is a field without a name, and its text is no field of anybody. */
const HARMLESS_FIELDS: ReadonlySet<string> = new Set(['', 'event', 'id', 'retry'])
/** Where Python's `splitlines` ends a line, and the standard does not. */
const OTHER_LINE_ENDS = ['\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029']
  .map((end) => Buffer.from(end))

/**
 * Returns an editor for one stream. It takes chunks cut anywhere, and holds at most `maxEventBytes` of an
 * event that is not complete. A comment between events waits only for the end of its line, so that a
 * keep-alive is passed on at once. When an event makes it throw, `passOn` has got everything before that
 * event, and nothing of it.
 */
export function editEvents (
  edit: EditEvent, maxEventBytes: number, passOn: (bytes: Buffer) => void
): EventEditor {
  const held = holdBytes(maxEventBytes)
  let isStart = true
  let lineLength = 0
  let isInEvent = false
  let isAfterCr = false

  function release (bytes: Buffer): Buffer {
    const whole = held.length() === 0 ? bytes : appendTo(bytes)
    if (whole.length > maxEventBytes) throw new TooManyBytes(maxEventBytes)
    const edited = editBlock(whole, isStart, edit)
    isStart = false
    return edited
  }

  function appendTo (bytes: Buffer): Buffer {
    held.append(bytes)
    return held.take()
  }

  /** Adds to `ready` what can be passed on. Returns where the rest of the chunk starts. */
  function collect (chunk: Buffer, ready: Buffer[]): number {
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      const isSecondHalf = isAfterCr && byte === LF
      isAfterCr = byte === CR
      if (isSecondHalf) {
        // It belongs to the line that ended with the CR. When that line was passed on, this follows.
        if (held.length() > 0 || from < at) continue
        ready.push(chunk.subarray(at, at + 1))
      } else if (byte !== CR && byte !== LF) {
        if (lineLength++ === 0 && byte !== COLON) isInEvent = true
        continue
      } else {
        if (lineLength === 0) isInEvent = false
        lineLength = 0
        if (isInEvent) continue
        ready.push(release(chunk.subarray(from, at + 1)))
      }
      from = at + 1
    }
    return from
  }

  return {
    push (chunk) {
      const ready: Buffer[] = []
      try {
        const rest = chunk.subarray(collect(chunk, ready))
        if (rest.length > 0) held.append(rest)
      } finally {
        if (ready.length > 0) passOn(ready.length === 1 ? ready[0] as Buffer : Buffer.concat(ready))
      }
    },
    end () {
      if (held.length() > 0) passOn(release(NOTHING))
    }
  }
}

/** Returns the bytes of an event, of comments or of a blank line, with its data edited when there is any. */
function editBlock (block: Buffer, isFirst: boolean, edit: EditEvent): Buffer {
  const lines = splitLines(block, isFirst && block.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0)
  const fields = lines.map((line) => readField(block.subarray(line.start, line.end)))
  const values = fields.filter(({ name }) => name === 'data').map(({ value }) => value)
  const stray = findStray(block, lines, fields)
  if (values.length === 0 && stray.length === 0) return block
  const type = fields.findLast(({ name }) => name === 'event')?.value.toString()
  const data = joinLines(values)
  const edited = edit({ type: type === undefined || type === '' ? 'message' : type, data, stray })
  return edited === data || edited.equals(data) ? block : replaceData(block, lines, fields, edited)
}

function findStray (block: Buffer, lines: readonly Line[], fields: readonly Field[]): Buffer[] {
  return lines
    .filter((_line, index) => isStray(fields[index] as Field))
    .map(({ start, end }) => block.subarray(start, end))
}

function isStray ({ name, value }: Field): boolean {
  if (name === 'data') return false
  return !HARMLESS_FIELDS.has(name) || OTHER_LINE_ENDS.some((end) => value.includes(end))
}

function splitLines (block: Buffer, start: number): Line[] {
  const lines: Line[] = []
  for (let at = start; at < block.length;) {
    let end = at
    while (end < block.length && block[end] !== LF && block[end] !== CR) end++
    const next = block[end] === CR && block[end + 1] === LF ? end + 2 : Math.min(end + 1, block.length)
    if (lines.length === MOST_LINES) throw new TooManyLines(`more than ${MOST_LINES} lines in one event`)
    lines.push({ start: at, end, next })
    at = next
  }
  return lines
}

/** A comment is a field without a name. */
function readField (line: Buffer): Field {
  const colon = line.indexOf(COLON)
  if (colon === -1) return { name: line.toString('latin1'), value: NOTHING }
  const start = line[colon + 1] === SPACE ? colon + 2 : colon + 1
  return { name: line.toString('latin1', 0, colon), value: line.subarray(start) }
}

function joinLines (values: readonly Buffer[]): Buffer {
  if (values.length <= 1) return values[0] ?? NOTHING
  return Buffer.concat(values.flatMap((value, index) => index === 0 ? [value] : [NEWLINE, value]))
}

/**
 * Returns the block with new data where the old data began, on as many lines as the new data has. The last
 * line keeps its end, which is that of the event.
 */
function replaceData (
  block: Buffer, lines: readonly Line[], fields: readonly Field[], data: Buffer
): Buffer {
  const first = fields.findIndex(({ name }) => name === 'data')
  const common = commonEnding(block, lines)
  const parts = [block.subarray(0, lines[0]?.start)]
  lines.forEach((line, index) => {
    const ending = index === lines.length - 1 ? block.subarray(line.end, line.next) : common
    if (index === first) parts.push(...dataFields(data, ending))
    else if (fields[index]?.name !== 'data') parts.push(block.subarray(line.start, line.end), ending)
  })
  return Buffer.concat(parts)
}

/**
 * Returns how the lines of an event end. Where they end differently, a line that goes could leave a CR before
 * an LF, which would be one end instead of two. After CRLF, whatever follows is a line of its own.
 */
function commonEnding (block: Buffer, lines: readonly Line[]): Buffer {
  const endings = lines.slice(0, -1).map(({ end, next }) => block.subarray(end, next))
  const [ending = NOTHING] = endings
  return endings.every((other) => other.equals(ending)) ? ending : CRLF
}

/** `ending` is empty when the stream broke off within the line. */
function dataFields (data: Buffer, ending: Buffer): Buffer[] {
  const separator = ending.length === 0 ? NEWLINE : ending
  const parts: Buffer[] = []
  for (let at = 0, next = 0; at <= data.length; at = next + 1) {
    const lineFeed = data.indexOf(LF, at)
    next = lineFeed === -1 ? data.length : lineFeed
    parts.push(DATA_FIELD, data.subarray(at, next), lineFeed === -1 ? ending : separator)
  }
  return parts
}
