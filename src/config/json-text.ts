import { JsonError, type JsonErrorKind } from '../json/error.js'
import { scan } from '../json/scan.js'
import { compileShape } from '../json/shape.js'

const MAX_DEPTH = 64

export type JsonText =
  | { readonly ok: true, readonly value: unknown }
  | { readonly ok: false, readonly line: number, readonly column: number, readonly message: string }

const MESSAGES: Readonly<Partial<Record<JsonErrorKind, string>>> = {
  encoding: 'is not UTF-8 without byte order mark: save it as such',
  syntax: 'is not JSON from here on: look for a missing or extra comma, quote or bracket; ' +
    'comments are not allowed',
  duplicate: 'repeats a member of the same object: one of the two would be ignored; remove it',
  lookalike: 'is a member named __proto__, which some readers take for something else: ' +
    'match such a name with a pattern',
  surrogate: 'holds half of a surrogate pair: write the whole character',
  depth: `is nested deeper than ${MAX_DEPTH} levels`
}

/**
 * Returns the value of a JSON text, or the place of its first error. Line and column count from 1, columns in
 * UTF-16 units as in editors. Duplicate members are refused. The message never quotes the text, because it
 * may hold secrets.
 */
export function parseJsonText (bytes: Buffer): JsonText {
  try {
    scan(bytes, compileShape({}), { maxDepth: MAX_DEPTH })
    return { ok: true, value: JSON.parse(bytes.toString('utf8')) }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    return { ok: false, ...locate(bytes, error.offset), message: MESSAGES[error.kind] ?? error.message }
  }
}

function locate (bytes: Buffer, offset: number): { line: number, column: number } {
  const lines = bytes.toString('utf8', 0, offset).split(/\r\n|\r|\n/)
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}

/** Returns whether a parsed JSON value is an object: neither null nor an array. */
export function isJsonObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
