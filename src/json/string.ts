import { BACKSLASH, QUOTE, byteAt, failSyntax, noteProblem } from './cursor.js'
import type { Cursor } from './cursor.js'

/** 1 for the bytes of a string that need no look: ASCII but quotes, backslashes and control characters. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH))
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[0-9A-Fa-f]/.test(String.fromCharCode(byte))))
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))
const LETTER_U = 0x75
const LONE_SURROGATE = /\p{Surrogate}/u

/** Moves over the string that starts here, and notes whether it holds escapes or non-ASCII. Throws JsonError. */
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
      // The document was found to be UTF-8 as a whole before the scan.
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
 * Returns the text of the string read last, which `start` and the cursor delimit, quotes included. Notes a
 * problem when an escape stands for half a character: readers replace it, drop it or keep it, so what we would compare
 * need not be what the upstream sees.
 */
export function decodeString (cursor: Cursor, start: number): string {
  const { bytes, at } = cursor
  if (!cursor.escaped) return bytes.toString('utf8', start + 1, at - 1)
  const text = JSON.parse(bytes.toString('utf8', start, at)) as string
  if (LONE_SURROGATE.test(text)) noteProblem(cursor, 'surrogate', start, 'half a surrogate pair in the string')
  return text
}
