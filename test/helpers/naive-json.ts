/**
 * JSON readers that are careless in the ways in which real ones are, for asking whether any of them would
 * find another method or target in a body than the one that was decided. Each reads what it can and never
 * throws.
 */

/** What a message asks for, as one reader understands it. */
export interface Reading {
  readonly method: string
  readonly targets: readonly string[]
}

export interface NaiveReader {
  readonly name: string
  /** Undefined when it finds no method. */
  readonly read: (bytes: Buffer) => Reading | undefined
}

/** A JSON value with all that its text holds: repeated members, and the order of all of them. */
export type Value =
  | { readonly kind: 'object', readonly members: ReadonlyArray<readonly [name: string, value: Value]> }
  | { readonly kind: 'array', readonly items: readonly Value[] }
  | { readonly kind: 'string', readonly text: string }
  | { readonly kind: 'other', readonly text: string }

/** Picks the value of a member of an object; undefined when it finds none. */
type Look = (members: ReadonlyArray<readonly [string, Value]>, wanted: string) => Value | undefined

interface Habits {
  readonly decode?: (bytes: Buffer) => string
  /** Which of several documents, or messages of a batch, counts. */
  readonly choose?: (documents: readonly Value[]) => Value | undefined
  readonly look: Look
  /** What becomes of a string's text. */
  readonly finish?: (text: string) => string
}

const first: Look = (members, wanted) => members.find(([name]) => name === wanted)?.[1]
const last: Look = (members, wanted) => members.findLast(([name]) => name === wanted)?.[1]

/** Compares names after `fold`. */
function folding (fold: (name: string) => string, pick: Look): Look {
  return (members, wanted) => pick(members.map(([name, value]) => [fold(name), value] as const), fold(wanted))
}

/** An exact name wins over a folded one, wherever they stand. */
function preferringExact (look: Look): Look {
  return (members, wanted) => last(members, wanted) ?? look(members, wanted)
}

const lowerCase = (name: string): string => name.toLowerCase()
// Go's encoding/json: simple folding takes U+017F for s and U+212A for k.
const goFold = (name: string): string => name.replace(/\u017f/g, 's').replace(/\u212a/g, 'k').toLowerCase()
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const compatible = (name: string): string => name.normalize('NFKC').toLowerCase()
const untilNul = (text: string): string => text.split('\0')[0] as string
const withoutInvisible = (name: string): string => name.replace(/\p{Default_Ignorable_Code_Point}/gu, '')
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')
const withoutSurrogates = (text: string): string => text.replace(/\p{Surrogate}/gu, '')

/** Copies members with Object.assign, which makes the value of `__proto__` the copy's prototype. */
function inheriting (look: Look): Look {
  return (members, wanted) => {
    const prototype = last(members, '__proto__')
    const own = look(members, wanted)
    if (own !== undefined || prototype?.kind !== 'object') return own
    return look(prototype.members, wanted)
  }
}

/** Like Python's json.loads of bytes: NULs and byte order marks tell the encoding. */
function detectEncoding (bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return swapped(bytes.subarray(2)).toString('utf16le')
  if (bytes.length > 1 && bytes[0] === 0) return swapped(bytes).toString('utf16le')
  if (bytes.length > 1 && bytes[1] === 0) return bytes.toString('utf16le')
  return bytes.toString('utf8')
}

function swapped (bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16()
}

const unbatched = (document: Value | undefined, index: number): Value | undefined =>
  document?.kind === 'array' ? document.items.at(index) : document

const HABITS: Readonly<Record<string, Habits>> = {
  'takes the first of equal names': { look: first },
  'takes the last of equal names': { look: last },
  'ignores letter case, takes the first': { look: folding(lowerCase, first) },
  'ignores letter case, takes the last': { look: folding(lowerCase, last) },
  'folds like Go': { look: folding(goFold, last) },
  'prefers the exact name, folds otherwise': { look: preferringExact(folding(goFold, last)) },
  'accepts snake_case': { look: preferringExact((members, wanted) => last(members, snakeCase(wanted))) },
  'compares compatibility forms': { look: folding(compatible, last) },
  'does not see invisible characters in names': { look: folding(withoutInvisible, last) },
  'trims names': { look: folding((name) => name.trim(), last) },
  'cuts names at NUL': { look: folding(untilNul, first) },
  'cuts names and values at NUL': { look: folding(untilNul, last), finish: untilNul },
  'replaces half surrogate pairs': { look: folding(wellFormed, last), finish: wellFormed },
  'drops half surrogate pairs': { look: folding(withoutSurrogates, last), finish: withoutSurrogates },
  'inherits from __proto__': { look: inheriting(last) },
  'detects the encoding': { decode: detectEncoding, look: last },
  'takes the last of several documents': { choose: (documents) => documents.at(-1), look: last },
  'takes the first message of a batch': { choose: ([document]) => unbatched(document, 0), look: last },
  'takes the last message of a batch': { choose: (documents) => unbatched(documents.at(-1), -1), look: last }
}

/** All of the careless readers. */
export const NAIVE_READERS: readonly NaiveReader[] = Object.entries(HABITS)
  .map(([name, habits]) => ({ name, read: (bytes) => readCarelessly(bytes, habits) }))

/**
 * Returns what the readers find in a body that was not decided, as `reader: finding`; empty when none is
 * misled.
 */
export function findMisled (bytes: Buffer, decided: Reading | undefined): string[] {
  return NAIVE_READERS.flatMap(({ name, read }) => {
    const reading = read(bytes)
    if (reading === undefined) return []
    const isSame = reading.method === decided?.method &&
      reading.targets.every((target) => decided.targets.includes(target))
    return isSame ? [] : [`${name}: ${JSON.stringify(reading)}`]
  })
}

function readCarelessly (bytes: Buffer, habits: Habits): Reading | undefined {
  const { decode = (all) => all.toString('utf8'), choose = ([document]) => document } = habits
  const { look, finish = (text) => text } = habits
  const message = choose(parseDocuments(decode(bytes)))
  const get = (value: Value | undefined, name: string): Value | undefined => {
    return value?.kind === 'object' ? look(value.members, name) : undefined
  }
  const textOf = (value: Value | undefined): readonly string[] => {
    if (value?.kind === 'array') return value.items.flatMap(textOf)
    return value?.kind === 'string' || value?.kind === 'other' ? [finish(value.text)] : []
  }
  const [method] = textOf(get(message, 'method'))
  if (method === undefined) return undefined
  const params = get(message, 'params')
  const ref = get(params, 'ref')
  switch (method) {
    case 'tools/call':
    case 'prompts/get': return { method, targets: textOf(get(params, 'name')) }
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe': return { method, targets: textOf(get(params, 'uri')) }
    case 'completion/complete':
      return { method, targets: [...textOf(get(ref, 'name')), ...textOf(get(ref, 'uri'))] }
    case 'subscriptions/listen':
      return { method, targets: textOf(get(get(params, 'notifications'), 'resourceSubscriptions')) }
    default: return { method, targets: [] }
  }
}

/** No reader nests deeper; what does is not read at all. */
const DEEPEST = 500
const BLANK = /[\s\ufeff\0]/

/**
 * Returns the documents that stand one after another in a text, up to what cannot be read at all. It takes
 * whatever any common reader takes: comments, trailing and missing commas, single quotes, names without
 * quotes, raw control characters and unknown escapes in strings, any words as values.
 */
export function parseDocuments (text: string): Value[] {
  let at = 0
  const documents: Value[] = []
  for (;;) {
    skipBlank()
    if (at >= text.length) return documents
    const start = at
    const value = readValue(0)
    if (value === undefined || at === start) return documents
    documents.push(value)
  }

  function skipBlank (): void {
    while (at < text.length) {
      if (BLANK.test(text[at] as string)) at++
      else if (text.startsWith('//', at) || text[at] === '#') skipPast('\n')
      else if (text.startsWith('/*', at)) skipPast('*/')
      else return
    }
  }

  function skipPast (end: string): void {
    const found = text.indexOf(end, at)
    at = found === -1 ? text.length : found + end.length
  }

  function readValue (depth: number): Value | undefined {
    skipBlank()
    const character = text[at]
    if (depth > DEEPEST || character === undefined) return undefined
    if (character === '"' || character === "'") return { kind: 'string', text: readString(character) }
    if (character === '{') return readMembers(depth)
    if (character === '[') return readItems(depth)
    const word = /^[^\s,:[\]{}"']+/.exec(text.slice(at, at + 400))?.[0]
    if (word === undefined) return undefined
    at += word.length
    return { kind: 'other', text: word }
  }

  function readMembers (depth: number): Value | undefined {
    const members: Array<readonly [string, Value]> = []
    for (at++; ;) {
      skipCommas()
      if (at >= text.length || text[at] === '}') break
      const name = readValue(depth + 1)
      skipBlank()
      if ((name?.kind !== 'string' && name?.kind !== 'other') || text[at] !== ':') return undefined
      at++
      const value = readValue(depth + 1)
      if (value === undefined) return undefined
      members.push([name.text, value])
    }
    at++
    return { kind: 'object', members }
  }

  function readItems (depth: number): Value | undefined {
    const items: Value[] = []
    for (at++; ;) {
      skipCommas()
      if (at >= text.length || text[at] === ']') break
      const item = readValue(depth + 1)
      if (item === undefined) return undefined
      items.push(item)
    }
    at++
    return { kind: 'array', items }
  }

  function skipCommas (): void {
    skipBlank()
    while (text[at] === ',') {
      at++
      skipBlank()
    }
  }

  function readString (quote: string): string {
    let result = ''
    for (at++; at < text.length && text[at] !== quote; at++) {
      result += text[at] === '\\' ? readEscape() : text[at]
    }
    at++
    return result
  }

  function readEscape (): string {
    const hex = /^(?:u([\da-f]{4})|u\{([\da-f]{1,6})\}|x([\da-f]{2}))/i.exec(text.slice(at + 1, at + 10))
    const digits = hex?.[1] ?? hex?.[2] ?? hex?.[3]
    if (hex === null || digits === undefined || parseInt(digits, 16) > 0x10ffff) {
      at++
      return ESCAPES[text[at] ?? ''] ?? text[at] ?? ''
    }
    at += hex[0].length
    const code = parseInt(digits, 16)
    return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code)
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', 0: '\0', v: '\v'
}
