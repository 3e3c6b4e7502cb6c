import { BACKSLASH, noteProblem } from './cursor.js'
import type { Cursor } from './cursor.js'
import { FOLDED_LENGTH, foldName } from './shape.js'
import type { CompiledMember, CompiledShape } from './shape.js'
import { decodeString, skipString } from './string.js'

/**
 * The names read so far in one object. A few names without escapes are kept as (hash, start, end) on the
 * cursor's stack and compared one by one. For a large object that would take quadratic time, so it gets a Set
 * of texts.
 */
export interface Names {
  /** Where this object's entries begin on the cursor's stack. */
  readonly base: number
  texts: Set<string> | undefined
}

/** Numbers on the stack for each name: hash, start, end. */
const ENTRY = 3
const FEW = 24

const SLASH = 0x2f
const UNDERSCORE = 0x5f
const HYPHEN = 0x2d
const SPACE = 0x20
// A JavaScript reader that copies the object with Object.assign makes the value of this member the copy's
// prototype. It then finds members that the object itself does not have.
const PROTOTYPE = Buffer.from('__proto__')

/** Starts the names of an object. */
export function openNames (cursor: Cursor): Names {
  return { base: cursor.namesEnd, texts: undefined }
}

/** Forgets the names of an object that ended. */
export function closeNames (cursor: Cursor, names: Names): void {
  cursor.namesEnd = names.base
}

/**
 * Reads the member name that starts here. Returns the shape's member of that name, if there is one. Notes a
 * problem when the object already has the name, when another reader could take it for a name of the shape,
 * and when it is not valid text.
 */
export function readName (
  cursor: Cursor, names: Names, shape: CompiledShape | undefined
): CompiledMember | undefined {
  const start = cursor.at
  skipString(cursor)
  const text = cursor.escaped ? decodeString(cursor, start) : undefined
  noteName(cursor, names, start, text)
  return shape === undefined ? undefined : findMember(cursor, shape, start, text)
}

function noteName (cursor: Cursor, names: Names, start: number, text: string | undefined): void {
  if (names.texts === undefined) {
    const count = (cursor.namesEnd - names.base) / ENTRY
    if (text === undefined && count < FEW) {
      noteOnStack(cursor, names, start)
      return
    }
    names.texts = textsOnStack(cursor, names)
  }
  // The quote in front keeps V8 from taking a name for an array index. V8 hashes those to their numeric
  // value, so a sender could choose names that all collide.
  const key = text === undefined ? cursor.bytes.toString('utf8', start, cursor.at - 1) : `"${text}`
  if (names.texts.has(key)) noteDuplicate(cursor, start)
  names.texts.add(key)
}

function noteOnStack (cursor: Cursor, names: Names, start: number): void {
  const stack = cursor.names
  const end = cursor.at
  const hash = hashBytes(cursor.bytes, start, end)
  for (let entry = names.base; entry < cursor.namesEnd; entry += ENTRY) {
    if (stack[entry] !== hash) continue
    const otherStart = stack[entry + 1] as number
    const otherEnd = stack[entry + 2] as number
    if (equalBytes(cursor.bytes, otherStart, otherEnd, start, end)) noteDuplicate(cursor, start)
  }
  stack[cursor.namesEnd] = hash
  stack[cursor.namesEnd + 1] = start
  stack[cursor.namesEnd + 2] = end
  cursor.namesEnd += ENTRY
}

function textsOnStack (cursor: Cursor, names: Names): Set<string> {
  const texts = new Set<string>()
  for (let entry = names.base; entry < cursor.namesEnd; entry += ENTRY) {
    const start = cursor.names[entry + 1] as number
    const end = cursor.names[entry + 2] as number
    texts.add(cursor.bytes.toString('utf8', start, end - 1))
  }
  return texts
}

function noteDuplicate (cursor: Cursor, offset: number): void {
  noteProblem(cursor, 'duplicate', offset, 'a member name occurs twice in one object, again')
}

/** Returns a small integer. Of long names, it covers the length and both ends: enough to tell most apart. */
function hashBytes (bytes: Buffer, start: number, end: number): number {
  let hash = end - start
  const near = Math.min(end, start + 16)
  const far = Math.max(near, end - 16)
  for (let at = start; at < near; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  for (let at = far; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  return hash & 0x3fffffff
}

function equalBytes (
  bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number
): boolean {
  if (end - start !== otherEnd - otherStart) return false
  for (let at = start, other = otherStart; at < end; at++, other++) {
    if (bytes[at] !== bytes[other]) return false
  }
  return true
}

function findMember (
  cursor: Cursor, shape: CompiledShape, start: number, text: string | undefined
): CompiledMember | undefined {
  const { bytes } = cursor
  const end = cursor.at - 1
  const isReadAlike = text !== undefined && escapesOnlySlashes(bytes, start + 1, end)
  for (const member of shape.members) {
    if (isReadAlike ? text === member.name : isExactly(bytes, start + 1, end, member.bytes)) return member
  }
  const isPlain = text === undefined && cursor.ascii
  const folded = isPlain ? undefined : foldName(text ?? decodeString(cursor, start))
  for (const { name, folded: other } of shape.members) {
    if (folded === undefined ? foldsTo(bytes, start + 1, end, other) : folded === other) {
      noteProblem(cursor, 'lookalike', start, `a member name that could be taken for ${JSON.stringify(name)}`)
      return undefined
    }
  }
  if (text === '__proto__' || isExactly(bytes, start + 1, end, PROTOTYPE)) {
    noteProblem(cursor, 'lookalike', start, 'a member "__proto__", which could hold other members,')
  }
  return undefined
}

/**
 * Encoders of PHP and Swift write `\/` for `/` by default, and every reader takes it for that (RFC 8259 §7).
 */
function escapesOnlySlashes (bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== BACKSLASH) continue
    if (bytes[++at] !== SLASH) return false
  }
  return true
}

function isExactly (bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false
  for (let at = 0; at < name.length; at++) {
    if (bytes[start + at] !== name[at]) return false
  }
  return true
}

/** Tells whether `foldName` would return `folded` for these plain ASCII bytes. Makes no string of them. */
function foldsTo (bytes: Buffer, start: number, end: number, folded: string): boolean {
  const stop = Math.min(end, start + FOLDED_LENGTH)
  let length = 0
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] as number
    if (byte === UNDERSCORE || byte === HYPHEN || byte === SPACE) continue
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) !== folded.charCodeAt(length)) return false
    length++
  }
  return length === folded.length
}
