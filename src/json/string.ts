import { BACKSLASH, QUOTE, byteAt, failSyntax, noteProblem } from './cursor.js'
import type { Cursor } from './cursor.js'

/**
 * 1 for the bytes that are nothing special in a string: ASCII without quotes, backslashes, control
 * characters.
 */
const PLAIN = tabulate((byte) => byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH)
const HEX = tabulate((byte) => /[0-9A-Fa-f]/.test(String.fromCharCode(byte)))
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))
const LETTER_U = 0x75
const LONE_SURROGATE = /\p{Surrogate}/u

/** Moves over the string that starts here. Notes whether it holds escapes or non-ASCII. Throws JsonError. */
export function skipString (cursor: Cursor): void {
  const { bytes } = cursor
  let at = cursor.at + 1
  cursor.escaped = false
  cursor.ascii = true
  for (;;) {
    while (at < bytes.length && PLAIN[bytes[at] as number] === 1) at++
    const byte = byteAt(cursor, at)
    if (byte === QUOTE) break
    if (byte === BACKSLASH) {
      cursor.escaped = true
      at = skipEscape(cursor, at)
    } else if (byte >= 0x80) {
      // It is UTF-8: the whole document was checked before the scan.
      cursor.ascii = false
      at++
    } else {
      failSyntax(cursor, at)
    }
  }
  cursor.at = at + 1
}

function skipEscape (cursor: Cursor, backslash: number): number {
  const byte = byteAt(cursor, backslash + 1)
  if (ESCAPES.has(byte)) return backslash + 2
  if (byte !== LETTER_U) failSyntax(cursor, backslash + 1)
  for (let at = backslash + 2; at < backslash + 6; at++) {
    if (HEX[byteAt(cursor, at)] !== 1) failSyntax(cursor, at)
  }
  return backslash + 6
}

/**
 * Returns the text of the string read last. It stands between `start` and the cursor, quotes included. Notes
 * a problem when an escape stands for half a character: readers replace it, drop it or keep it, so the
 * upstream may see another text than we compare.
 */
export function decodeString (cursor: Cursor, start: number): string {
  const { bytes, at } = cursor
  if (!cursor.escaped) return bytes.toString('utf8', start + 1, at - 1)
  const text = JSON.parse(bytes.toString('utf8', start, at)) as string
  if (LONE_SURROGATE.test(text)) {
    noteProblem(cursor, 'surrogate', start, 'half a surrogate pair in the string')
  }
  return text
}

/** Returns a table with 1 for each byte that the test holds for, else 0. */
function tabulate (test: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(test(byte)))
}
