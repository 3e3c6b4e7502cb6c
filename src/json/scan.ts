import { isUtf8 } from 'node:buffer'
import {
  CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, byteAt, enter, failSyntax, skipSpace
} from './cursor.js'
import type { Cursor } from './cursor.js'
import { JsonError } from './error.js'
import { closeNames, openNames, readName } from './names.js'
import { decodeString, skipString } from './string.js'
import type { CompiledShape, CompiledWanted, JsonType, Picked, Shape, Span } from './shape.js'

export { JsonError } from './error.js'
export { compileShape } from './shape.js'
export type { CompiledShape, JsonType, Members, Picked, PickedElements, PickedMembers, PickedStrings, Shape, Span, Wanted } from './shape.js'

export interface ScanLimits {
  /** Objects and arrays that may be open at once; the outermost counts 1. At most 1000. */
  readonly maxDepth: number
}

const DEEPEST = 1000

/**
 * Checks a whole JSON text (RFC 8259) and returns its value with the members that the shape names. Throws JsonError,
 * and RangeError when `maxDepth` exceeds 1000.
 */
export function scan<S extends Shape> (bytes: Buffer, shape: CompiledShape<S>, limits: ScanLimits): Picked<S> {
  if (limits.maxDepth > DEEPEST) throw new RangeError(`maxDepth must not exceed ${DEEPEST}`)
  refuseOtherEncodings(bytes)
  const cursor: Cursor = {
    bytes, maxDepth: limits.maxDepth, at: 0, depth: 0, escaped: false, ascii: true, names: [], namesEnd: 0
  }
  const first = skipSpace(cursor)
  const value = readValue(cursor, first, shape)
  if (skipSpace(cursor) !== -1) failSyntax(cursor, cursor.at)
  return value as Picked<S>
}

function refuseOtherEncodings (bytes: Buffer): void {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new JsonError('encoding', 0, 'a byte order mark at byte 0')
  if (isUtf8(bytes)) return
  const repaired = Buffer.from(bytes.toString('utf8'))
  const offset = bytes.findIndex((byte, at) => byte !== repaired[at])
  throw new JsonError('encoding', offset, `no UTF-8 at byte ${offset}`)
}

/** Reads the value that starts with `first` at the cursor, and returns what is wanted of it. */
function readValue (cursor: Cursor, first: number, wanted: CompiledWanted | undefined): Span | undefined {
  const start = cursor.at
  switch (first) {
    case QUOTE:
      return readString(cursor, start, wanted)
    case OPEN_BRACE:
      return readObject(cursor, start, wanted)
    case OPEN_BRACKET:
      return readArray(cursor, start, wanted)
    case 0x74: return readWord(cursor, 'true', 'boolean', wanted)
    case 0x66: return readWord(cursor, 'false', 'boolean', wanted)
    case 0x6e: return readWord(cursor, 'null', 'null', wanted)
    default:
      skipNumber(cursor)
      return wanted === undefined ? undefined : { type: 'number', start, end: cursor.at }
  }
}

function readString (cursor: Cursor, start: number, wanted: CompiledWanted | undefined): Span | undefined {
  skipString(cursor)
  if (wanted === undefined) return undefined
  const span: Span = { type: 'string', start, end: cursor.at }
  return wanted === 'string' ? { ...span, value: decodeString(cursor, start) } as Span : span
}

function readObject (cursor: Cursor, start: number, wanted: CompiledWanted | undefined): Span | undefined {
  enter(cursor)
  const shape = typeof wanted === 'object' && 'members' in wanted ? wanted : undefined
  const members: Record<string, Span> | undefined = shape === undefined ? undefined : Object.create(null)
  const names = openNames(cursor)
  let byte = skipSpace(cursor)
  if (byte === CLOSE_BRACE) {
    cursor.at++
  } else {
    do {
      if (byte !== QUOTE) failSyntax(cursor, cursor.at)
      const member = readName(cursor, names, shape)
      if (skipSpace(cursor) !== COLON) failSyntax(cursor, cursor.at)
      cursor.at++
      const value = readValue(cursor, skipSpace(cursor), member?.wanted)
      if (member !== undefined && members !== undefined) members[member.name] = value as Span
    } while ((byte = nextItem(cursor, CLOSE_BRACE)) !== CLOSE_BRACE)
  }
  closeNames(cursor, names)
  cursor.depth--
  if (wanted === undefined) return undefined
  const span: Span = { type: 'object', start, end: cursor.at }
  return members === undefined ? span : { ...span, members } as Span
}

function readArray (cursor: Cursor, start: number, wanted: CompiledWanted | undefined): Span | undefined {
  enter(cursor)
  const each = wanted === 'strings' ? 'string' : typeof wanted === 'object' && 'each' in wanted ? wanted.each : undefined
  const elements: Span[] = []
  let byte = skipSpace(cursor)
  if (byte === CLOSE_BRACKET) {
    cursor.at++
  } else {
    do {
      const element = readValue(cursor, byte, each)
      if (element !== undefined) elements.push(element)
    } while ((byte = nextItem(cursor, CLOSE_BRACKET)) !== CLOSE_BRACKET)
  }
  cursor.depth--
  if (wanted === undefined) return undefined
  const span: Span = { type: 'array', start, end: cursor.at }
  if (each === undefined) return span
  if (each !== 'string') return { ...span, elements } as Span
  return { ...span, values: textsOf(elements) } as Span
}

function textsOf (elements: readonly Span[]): readonly string[] | undefined {
  const texts: string[] = []
  for (const element of elements as ReadonlyArray<Picked<'string'>>) {
    if (element.type !== 'string') return undefined
    texts.push(element.value)
  }
  return texts
}

/** Moves over the comma before the next item and returns that item's first byte, or over the end and returns `close`. */
function nextItem (cursor: Cursor, close: number): number {
  const byte = skipSpace(cursor)
  if (byte !== COMMA && byte !== close) failSyntax(cursor, cursor.at)
  cursor.at++
  if (byte === close) return close
  const next = skipSpace(cursor)
  if (next === close) failSyntax(cursor, cursor.at)
  return next
}

function readWord (cursor: Cursor, word: string, type: JsonType, wanted: CompiledWanted | undefined): Span | undefined {
  const start = cursor.at
  for (let index = 1; index < word.length; index++) {
    if (byteAt(cursor, start + index) !== word.charCodeAt(index)) failSyntax(cursor, start + index)
  }
  cursor.at = start + word.length
  return wanted === undefined ? undefined : { type, start, end: cursor.at }
}

/** RFC 8259 §6: an optional minus, an integer without leading zeros, an optional fraction, an optional exponent. */
function skipNumber (cursor: Cursor): void {
  let at = cursor.at
  if (byteAt(cursor, at) === 0x2d) at++
  at = byteAt(cursor, at) === 0x30 ? at + 1 : skipDigits(cursor, at)
  if (byteAt(cursor, at) === 0x2e) at = skipDigits(cursor, at + 1)
  if ((byteAt(cursor, at) | 0x20) === 0x65) {
    at++
    const sign = byteAt(cursor, at)
    at = skipDigits(cursor, sign === 0x2b || sign === 0x2d ? at + 1 : at)
  }
  cursor.at = at
}

function skipDigits (cursor: Cursor, from: number): number {
  let at = from
  for (let byte = byteAt(cursor, at); byte >= 0x30 && byte <= 0x39; byte = byteAt(cursor, at)) at++
  if (at === from) failSyntax(cursor, at)
  return at
}
