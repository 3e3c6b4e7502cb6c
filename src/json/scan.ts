/**
 * A strict JSON reader (RFC 8259) for bytes that are examined here and read again elsewhere.
 *
 * A gateway that authorises a message and then forwards its bytes decides for the upstream's parser too. So
 * everything that two parsers may read differently is refused, not repaired:
 * - A member name that occurs twice. Some parsers take the first, some the last (RFC 8259 §4 leaves it open).
 * - In the objects that a shape describes, a name that only a tolerant parser takes for one of the shape's.
 *   Go's encoding/json ignores case, with Unicode folding (CVE-2026-27896), C parsers cut at U+0000, the
 *   Python SDK accepts snake_case names. Also a name written with escapes, which a filter on raw bytes would
 *   miss.
 * - Half surrogate pairs in names and in values that are picked, a byte order mark, anything but strict
 *   UTF-8.
 * - Deep nesting, which overflows recursive parsers.
 *
 * Not checked: numbers beyond a double's range or precision, which are forwarded as they are written, and
 * half surrogate pairs in values that are not picked.
 *
 * There is one pass, and it does not build the document. A 4 MiB body costs memory only for the members of
 * the shape and for the names of large objects. The pass goes on after a duplicate or lookalike, to find out
 * whether the `id` can be trusted for the response.
 */
import { isUtf8 } from 'node:buffer'
import {
  CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE,
  byteAt, enter, failSyntax, skipSpace
} from './cursor.js'
import type { Cursor } from './cursor.js'
import { JsonError } from './error.js'
import { closeNames, openNames, readName } from './names.js'
import { decodeString, skipString } from './string.js'
import type {
  CompiledShape, CompiledWanted, JsonType, Members, Picked, PickedElements, PickedStrings, Shape, Span
} from './shape.js'

export interface ScanLimits {
  /** Objects and arrays that may be open at once; the outermost counts 1. At most 1000. */
  readonly maxDepth: number
}

const DEEPEST = 1000
/** Each string of a `strings` array becomes one operation of the policy: a body must not hold a million. */
const MOST_STRINGS = 1000
/** An element of a `[shape]` array takes a hundred times as much memory as its shortest text, `{},`. */
const MOST_ELEMENTS = 100_000

/**
 * Checks a whole JSON text (RFC 8259) and returns its value with the members that the shape names. Throws
 * JsonError, and RangeError when `maxDepth` exceeds 1000.
 */
export function scan<S extends Shape> (
  bytes: Buffer, shape: CompiledShape<S>, limits: ScanLimits
): Picked<S> {
  if (limits.maxDepth > DEEPEST) throw new RangeError(`maxDepth must not exceed ${DEEPEST}`)
  refuseOtherEncodings(bytes)
  const cursor: Cursor = {
    bytes,
    maxDepth: limits.maxDepth,
    at: 0,
    depth: 0,
    escaped: false,
    ascii: true,
    names: [],
    namesEnd: 0,
    problem: undefined,
    problemAtTop: false
  }
  const value = readValue(cursor, skipSpace(cursor), shape) as Picked<Shape>
  if (skipSpace(cursor) !== -1) failSyntax(cursor, cursor.at)
  if (cursor.problem !== undefined) throwProblem(cursor.problem, cursor.problemAtTop, value)
  return value as Picked<S>
}

function throwProblem (problem: JsonError, isAtTop: boolean, value: Picked<Shape>): never {
  if (!isAtTop && value.type === 'object') problem.members = value.members as Readonly<Record<string, Span>>
  throw problem
}

function refuseOtherEncodings (bytes: Buffer): void {
  const hasByteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  if (hasByteOrderMark) throw new JsonError('encoding', 0, 'a byte order mark')
  if (isUtf8(bytes)) return
  const repaired = Buffer.from(bytes.toString('utf8'))
  const offset = bytes.findIndex((byte, at) => byte !== repaired[at])
  throw new JsonError('encoding', offset, 'bytes that are not UTF-8')
}

/** Reads the value that starts with `first` at the cursor. Returns the part of it that is wanted. */
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
  if (wanted !== 'string') return { type: 'string', start, end: cursor.at }
  const end = cursor.at
  const value: Picked<'string'> = { type: 'string', start, end, value: decodeString(cursor, start) }
  return value
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
  if (members === undefined) return { type: 'object', start, end: cursor.at }
  const value: Picked<Shape> = { type: 'object', start, end: cursor.at, members: members as Members<Shape> }
  return value
}

function readArray (cursor: Cursor, start: number, wanted: CompiledWanted | undefined): Span | undefined {
  enter(cursor)
  const each = elementsWanted(wanted)
  const most = each === 'string' ? MOST_STRINGS : MOST_ELEMENTS
  const elements: Span[] = []
  let byte = skipSpace(cursor)
  if (byte === CLOSE_BRACKET) {
    cursor.at++
  } else {
    do {
      const element = readValue(cursor, byte, each)
      if (element !== undefined) elements.push(element)
      if (elements.length > most) {
        throw new JsonError('count', start, `more than ${most} elements in the array`)
      }
    } while ((byte = nextItem(cursor, CLOSE_BRACKET)) !== CLOSE_BRACKET)
  }
  cursor.depth--
  if (wanted === undefined) return undefined
  if (each === undefined) return { type: 'array', start, end: cursor.at }
  const value: PickedElements<Shape> | PickedStrings = each === 'string'
    ? { type: 'array', start, end: cursor.at, values: textsOf(elements) }
    : { type: 'array', start, end: cursor.at, elements: elements as ReadonlyArray<Picked<Shape>> }
  return value
}

function elementsWanted (wanted: CompiledWanted | undefined): 'string' | CompiledShape | undefined {
  if (wanted === 'strings') return 'string'
  return typeof wanted === 'object' && 'each' in wanted ? wanted.each : undefined
}

function textsOf (elements: readonly Span[]): readonly string[] | undefined {
  const texts: string[] = []
  for (const element of elements as ReadonlyArray<Picked<'string'>>) {
    if (element.type !== 'string') return undefined
    texts.push(element.value)
  }
  return texts
}

/** Moves over a comma and returns the first byte of the next item, or moves over `close` and returns that. */
function nextItem (cursor: Cursor, close: number): number {
  const byte = skipSpace(cursor)
  if (byte !== COMMA && byte !== close) failSyntax(cursor, cursor.at)
  cursor.at++
  if (byte === close) return close
  const next = skipSpace(cursor)
  if (next === close) failSyntax(cursor, cursor.at)
  return next
}

function readWord (
  cursor: Cursor, word: string, type: JsonType, wanted: CompiledWanted | undefined
): Span | undefined {
  const start = cursor.at
  for (let index = 1; index < word.length; index++) {
    if (byteAt(cursor, start + index) !== word.charCodeAt(index)) failSyntax(cursor, start + index)
  }
  cursor.at = start + word.length
  return wanted === undefined ? undefined : { type, start, end: cursor.at }
}

/** RFC 8259 §6: optional minus, integer without leading zeros, optional fraction, optional exponent. */
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
