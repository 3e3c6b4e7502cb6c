import { JsonError } from './error.js'
import type { JsonErrorKind } from './error.js'

/** A place in the document, and what is open there. There is one for each scan. */
export interface Cursor {
  readonly bytes: Buffer
  readonly maxDepth: number
  /** Offset of the next byte. */
  at: number
  depth: number
  /** About the string read last: whether it holds an escape, and whether it is all ASCII. */
  escaped: boolean
  ascii: boolean
  /** Hash, start and end of each member name of the objects that are open, innermost last; see names.ts. */
  readonly names: number[]
  namesEnd: number
  /** The first thing that readers disagree about. Thrown when the document ends. */
  problem: JsonError | undefined
  /** Whether one of these things is in the outermost object. */
  problemAtTop: boolean
}

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACKET = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d

const SPACE = 0x20

/** Moves over white space (RFC 8259 §2). Returns the next byte, -1 at the end. */
export function skipSpace (cursor: Cursor): number {
  const { bytes } = cursor
  let at = cursor.at
  while (at < bytes.length) {
    const byte = bytes[at] as number
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
      cursor.at = at
      return byte
    }
    at++
  }
  cursor.at = at
  return -1
}

/** Returns the byte at an offset, -1 at or after the end. */
export function byteAt (cursor: Cursor, offset: number): number {
  return offset < cursor.bytes.length ? cursor.bytes[offset] as number : -1
}

/** Throws the syntax error for the byte at an offset. */
export function failSyntax (cursor: Cursor, offset: number): never {
  const what = offset >= cursor.bytes.length ? 'unexpected end' : 'unexpected character'
  throw new JsonError('syntax', offset, what)
}

/**
 * Notes something that readers disagree about. The scan goes on: the document may still have an unambiguous
 * `id`.
 */
export function noteProblem (cursor: Cursor, kind: JsonErrorKind, offset: number, message: string): void {
  if (cursor.depth === 1) cursor.problemAtTop = true
  cursor.problem ??= new JsonError(kind, offset, message)
}

/** Opens an object or array. Throws JsonError `depth` when it is nested too deeply. */
export function enter (cursor: Cursor): void {
  cursor.depth++
  if (cursor.depth > cursor.maxDepth) {
    throw new JsonError('depth', cursor.at, `nested deeper than ${cursor.maxDepth} levels`)
  }
  cursor.at++
}
