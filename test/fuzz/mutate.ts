/** A small, fast, seeded generator (mulberry32), so that every finding can be reproduced. */
export type Random = () => number

/** Returns numbers from 0 to 1, the same ones for the same seed. */
export function seededRandom (seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Members that a policy with only `list_todos` and `file:///public/…` must never let through. */
const FORBIDDEN_MEMBERS = [
  '"name":"delete_todo"', '"method":"tools/call"', '"uri":"file:///etc/passwd"',
  '"params":{"name":"delete_todo"}',
  '"method":"admin/reset"', '"ref":{"type":"ref/prompt","name":"secret"}',
  '"notifications":{"resourceSubscriptions":["file:///etc/passwd"]}',
  '"arguments":{"name":"delete_todo"}', '"jsonrpc":"1.0"', '"id":null', '"result":{}', '"error":{}'
]

const NAMES = [
  'jsonrpc', 'id', 'method', 'params', 'name', 'uri', 'ref', 'arguments', '_meta', 'notifications',
  'resourceSubscriptions', 'type'
]
const VALUES = [
  'list_todos', 'delete_todo', 'tools/call', 'tools/list', 'resources/read', 'prompts/get',
  'file:///public/a', 'file:///etc/passwd', 'summary', 'secret'
]

/** Bytes that parsers disagree about. */
const ODD_BYTES = [
  0x00, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1f, 0x20, 0x22, 0x27, 0x2c, 0x2f, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b,
  0x7d, 0x7f, 0x80, 0xa0, 0xc0, 0xc2, 0xe2, 0xed, 0xef, 0xf0, 0xfe, 0xff
]

const ODD_TEXTS = [
  '/*', '*/', '//', '#', '/**/', ',', ',,', '\ufeff', '\u2028', '\u2029', '\u200b',
  '\u00a0', '\\u0000', '\\u0022', '\\"', '\\\\',
  '\\ud800', '\\udc00', 'ſ', 'K', 'İ', 'ı', '\\u017f', '\\u212a', '\'', 'NaN', 'Infinity', '-', '+', '1e999',
  '0x1', '01', '{}', '[]', 'null', 'true', '"":', '__proto__'
]

type Mutation = (bytes: Buffer, random: Random) => Buffer

/** Returns the bytes after one to four mutations. */
export function mutate (bytes: Buffer, corpus: readonly Buffer[], random: Random): Buffer {
  let mutated = bytes
  for (let rounds = 1 + Math.floor(random() * 4); rounds > 0; rounds--) {
    const mutation = pick(MUTATIONS, random)
    mutated = mutation === 'splice'
      ? splice(mutated, pick(corpus, random), random)
      : mutation(
        mutated, random
      )
    if (mutated.length > 8192) mutated = mutated.subarray(0, 8192)
  }
  return mutated
}

function pick<T> (items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T
}

function insert (bytes: Buffer, at: number, inserted: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
}

/** Returns the positions where a member can be added: just inside an object. */
function memberPositions (bytes: Buffer): number[] {
  const positions: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x7b || (bytes[at] === 0x2c && bytes[at + 1] === 0x22)) positions.push(at + 1)
  }
  return positions
}

function addMember (bytes: Buffer, random: Random): Buffer {
  const positions = memberPositions(bytes)
  if (positions.length === 0) return bytes
  return insert(
    bytes, pick(positions, random), Buffer.from(disguise(pick(FORBIDDEN_MEMBERS, random), random) + ',')
  )
}

/** Returns another spelling of a member: with other letter case, escapes, NUL or look-alikes. */
function disguise (member: string, random: Random): string {
  const end = member.indexOf('"', 1)
  const name = member.slice(1, end)
  const at = Math.floor(random() * name.length)
  const letter = name[at] ?? ''
  const spellings = [
    name, name, name.toUpperCase(), replaceAt(name, at, letter.toUpperCase()), name + '\\u0000', name + ' ',
    ' ' + name, replaceAt(name, at, escape(letter)), name.replace('s', 'ſ'), name.replace('k', 'K'),
    name + '_'
  ]
  return `"${pick(spellings, random)}${member.slice(end)}`
}

function respell (bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('utf8')
  const word = pick(random() < 0.5 ? NAMES : VALUES, random)
  const at = text.indexOf(`"${word}"`)
  if (at === -1) return bytes
  const index = Math.floor(random() * word.length)
  const letter = word[index] as string
  const spelling = pick([
    replaceAt(word, index, letter.toUpperCase()), replaceAt(word, index, escape(letter)), word + '\\u0000',
    word + '\\n', word.slice(0, index), pick(VALUES, random), word + pick(ODD_TEXTS, random)
  ], random)
  return Buffer.from(text.slice(0, at + 1) + spelling + text.slice(at + 1 + word.length))
}

function replaceAt (text: string, index: number, replacement: string): string {
  return text.slice(0, index) + replacement + text.slice(index + 1)
}

/** Returns the JSON escape of a character; for an empty name an escape that is malformed. */
function escape (character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function insertText (bytes: Buffer, random: Random): Buffer {
  return insert(bytes, Math.floor(random() * (bytes.length + 1)), Buffer.from(pick(ODD_TEXTS, random)))
}

function insertByte (bytes: Buffer, random: Random): Buffer {
  return insert(bytes, Math.floor(random() * (bytes.length + 1)), Buffer.from([pick(ODD_BYTES, random)]))
}

function replaceByte (bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length === 0) return copy
  const at = Math.floor(random() * copy.length)
  copy[at] = random() < 0.5 ? pick(ODD_BYTES, random) : Math.floor(random() * 256)
  return copy
}

function remove (bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random() * bytes.length)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 4))])
}

function wrap (bytes: Buffer, random: Random): Buffer {
  const [before, after] = pick([
    ['[', ']'], [' ', '\n'], ['{"a":', '}'], ['\ufeff', ''], ['', ' {}'], ['/**/', '//'], ['"', '"']
  ] as const, random)
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])
}

function recode (bytes: Buffer, random: Random): Buffer {
  return Buffer.from(bytes.toString('utf8'), pick(['utf16le', 'latin1'] as const, random))
}

function splice (bytes: Buffer, other: Buffer, random: Random): Buffer {
  const [end, start] = [Math.floor(random() * bytes.length), Math.floor(random() * other.length)]
  return Buffer.concat([bytes.subarray(0, end), other.subarray(start)])
}

const MUTATIONS: readonly (Mutation | 'splice')[] = [
  addMember, addMember, addMember, respell, respell, insertText, insertByte, replaceByte, remove, wrap,
  recode, 'splice'
]
