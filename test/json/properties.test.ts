import fc from 'fast-check'
import { deepEqual } from 'node:assert/strict'
import t from 'tap'
import { JsonError, type JsonErrorKind } from '../../src/json/error.js'
import { scan } from '../../src/json/scan.js'
import { compileShape, type CompiledShape } from '../../src/json/shape.js'

const NOTHING = compileShape({})
const TASK = compileShape({ method: 'string', taskSkill: 'string', params: { resourceSubscriptions: 'strings', _meta: 'span' } })
const RUNS = { numRuns: 2000 }

/** A source of choices for spelling: fast-check's, so that a failure shrinks. */
type Choose = (below: number) => number

function chooser (choices: readonly number[]): Choose {
  let next = 0
  return (below) => choices.length === 0 ? 0 : (choices[next++ % choices.length] as number) % below
}

const choices = fc.array(fc.nat(255), { maxLength: 40 })

function kindOf (bytes: Buffer, shape: CompiledShape = NOTHING): JsonErrorKind | undefined {
  try {
    scan(bytes, shape, { maxDepth: 200 })
    return undefined
  } catch (error) {
    if (error instanceof JsonError) return error.kind
    throw error
  }
}

function parses (bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '/': '\\/', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function spellString (text: string, choose: Choose): string {
  let out = ''
  for (const char of text) {
    const isLone = char.length === 1 && /\p{Surrogate}/u.test(char)
    const mustEscape = isLone || char < ' ' || char === '"' || char === '\\'
    const how = choose(4)
    if (!mustEscape && how < 2) out += char
    else if (SHORT[char] !== undefined && how !== 3) out += SHORT[char]
    else for (let unit = 0; unit < char.length; unit++) out += escapeUnit(char.charCodeAt(unit), choose)
  }
  return `"${out}"`
}

function escapeUnit (unit: number, choose: Choose): string {
  const hex = unit.toString(16).padStart(4, '0')
  return '\\u' + (choose(2) === 0 ? hex : hex.toUpperCase())
}

function space (choose: Choose): string {
  return ['', '', '', ' ', '\n', '\r\n\t', '  '][choose(7)] as string
}

/**
 * Spells a value as JSON, with white space and escapes as chosen. Objects are written from their entries, in
 * order.
 */
function spell (value: unknown, choose: Choose): string {
  const pad = () => space(choose)
  if (typeof value === 'string') return spellString(value, choose)
  if (Array.isArray(value)) return `[${pad()}${value.map((item) => spell(item, choose) + pad()).join(`,${pad()}`)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return spellEntries(Object.entries(value), choose)
}

function spellEntries (entries: ReadonlyArray<readonly [string, unknown]>, choose: Choose): string {
  const pad = () => space(choose)
  return `{${pad()}${entries.map(([name, value]) => `${spellString(name, choose)}${pad()}:${pad()}${spell(value, choose)}${pad()}`).join(`,${pad()}`)}}`
}

t.test('whatever JSON.parse takes is accepted, when no name occurs twice', async () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), choices, (value, bytes) => {
    const choose = chooser(bytes)
    // Under a name, because a prototype member is refused only where a shape looks for members.
    const text = `{"value":${space(choose)}${spell(value, choose)}}${space(choose)}`
    deepEqual(JSON.stringify(JSON.parse(text)), JSON.stringify({ value }), 'the spelling is right')
    return kindOf(Buffer.from(text)) === undefined
  }), { numRuns: 500 })
})

t.test('text of the right alphabet, damaged anywhere, is accepted exactly when JSON.parse takes it', async (t) => {
  const token = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '"a"', '"b"', '0', '1', '-', '.', 'e', '+', 'true', 'false', 'null', 'n', '\\u0061', '\\ud800', ' ', '\n', '\0', 'é', '\ufeff', '"\\')
  const soup = fc.array(token, { maxLength: 12 }).map((tokens) => Buffer.from(tokens.join('')))
  const whole = fc.tuple(fc.jsonValue({ maxDepth: 4 }), choices).map(
    ([value, bytes]) => Buffer.from(spell(value, chooser(bytes)))
  )
  const inserted = fc.oneof(soup, fc.uint8Array({ maxLength: 3 }))
  const damaged = fc.tuple(whole, fc.nat(), fc.nat(3), inserted).map(([bytes, place, removed, put]) => {
    const at = place % (bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)])
  })
  const cut = fc.tuple(whole, fc.nat()).map(([bytes, place]) => bytes.subarray(0, place % (bytes.length + 1)))
  const seen = { taken: 0, refused: 0 }
  fc.assert(fc.property(fc.oneof(soup, damaged, cut), (bytes) => {
    const kind = kindOf(bytes)
    const isJson = parses(bytes)
    seen[isJson ? 'taken' : 'refused']++
    return isJson ? kind === undefined || STRICTER.has(kind) : kind === 'syntax' || kind === 'encoding'
  }), { numRuns: 10_000 })
  t.ok(seen.taken > 500 && seen.refused > 500, `${seen.taken} taken, ${seen.refused} refused`)
})

const STRICTER: ReadonlySet<JsonErrorKind> = new Set(['duplicate', 'surrogate', 'lookalike'])

t.test('a duplicate is found exactly when two names of an object decode to the same text', async (t) => {
  const name = fc.oneof(fc.constantFrom('a', 'b', 'é', '😀', '"', '/', '', '0', '1', 'name', '\0', 'A'), fc.string({ unit: 'grapheme', maxLength: 3 }))
  const seen = { once: 0, twice: 0 }
  fc.assert(fc.property(fc.array(name, { maxLength: 40 }), choices, fc.nat(2), (names, bytes, wrap) => {
    const object = spellEntries(names.map((text, index) => [text, index]), chooser(bytes))
    const text = [`{"x":${object}}`, `[0,${object},{}]`, `{"x":[{"y":${object}}],"z":0}`][wrap] as string
    const isTwice = new Set(names).size < names.length
    seen[isTwice ? 'twice' : 'once']++
    return kindOf(Buffer.from(text)) === (isTwice ? 'duplicate' : undefined)
  }), RUNS)
  t.ok(seen.once > 200 && seen.twice > 200, `${seen.once} once, ${seen.twice} twice`)
})

t.test('what is picked equals what JSON.parse reads', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 })
  const value = fc.jsonValue({ maxDepth: 3 })
  const params = fc.record(
    { resourceSubscriptions: fc.oneof(fc.array(text, { maxLength: 5 }), value), _meta: value },
    { requiredKeys: [] }
  )
  const message = fc.record({ method: fc.oneof(text, value), params: fc.oneof(params, value.filter((it) => typeof it !== 'object')), other: value }, { requiredKeys: [] })
  fc.assert(fc.property(message, choices, (message, bytes) => {
    const body = Buffer.from(spellPlainly(message, chooser(bytes)))
    const read = JSON.parse(body.toString()) as {
      method?: unknown,
      params?: { resourceSubscriptions?: unknown, _meta?: unknown }
    }
    const picked = scan(body, TASK, { maxDepth: 64 })
    if (picked.type !== 'object') return false
    const { method, params } = picked.members
    const spans: Array<[{ start: number, end: number } | undefined, unknown]> =
      [[method, read.method], [params, read.params]]
    if (params?.type === 'object') {
      const { resourceSubscriptions: uris, _meta: meta } = params.members
      spans.push([uris, read.params?.resourceSubscriptions], [meta, read.params?._meta])
      const areStrings = uris?.type === 'array' && (read.params?.resourceSubscriptions as unknown[]).every((it) => typeof it === 'string')
      if (uris?.type === 'array') deepEqual(uris.values, areStrings ? read.params?.resourceSubscriptions : undefined)
    }
    if (method?.type === 'string') deepEqual(method.value, read.method)
    for (const [span, expected] of spans) {
      deepEqual(span === undefined ? undefined : JSON.parse(body.toString('utf8', span.start, span.end)), expected)
    }
    return true
  }), { numRuns: 300 })
})

/** As `spell`, but the message's own names without escapes, which the scanner insists on. */
function spellPlainly (message: object, choose: Choose): string {
  const members = Object.entries(message).map(([name, value]) => {
    const isParams = name === 'params' && typeof value === 'object' && value !== null
    return `${space(choose)}"${name}"${space(choose)}:${isParams ? spellPlainly(value, choose) : spell(value, choose)}`
  })
  return `{${members.join(',')}${space(choose)}}`
}

t.test('a name is a lookalike exactly when it differs from a name of the shape only in spelling', async (t) => {
  const letters: Readonly<Record<string, readonly string[]>> = { s: ['s', 'S', 'ſ', '\\u017f', '\\u0053', 'ｓ'], k: ['k', 'K', '\u212a', '\\u212A'], i: ['i', 'I', 'ı', 'İ'] }
  const part = fc.constantFrom('', '', '', '', '_', '-', '\u00ad')
  const end = fc.constantFrom('', '', '\\u0000', '\\u0000x', 'x')
  const seen = { exact: 0, lookalike: 0, other: 0 }
  fc.assert(fc.property(fc.constantFrom('taskSkill', 'method', 'params'), fc.array(part, { minLength: 12, maxLength: 12 }), end, choices, fc.boolean(), (name, parts, end, bytes, change) => {
    const choose = chooser(bytes)
    const spelled = [...name].map((char, index) => {
      const forms = letters[char.toLowerCase()] ?? [char, char.toUpperCase(), char.toLowerCase()]
      return change ? (parts[index] as string) + (forms[choose(forms.length)] as string) : char
    }).join('') + end
    const expected = spelled === name ? 'exact' : end === 'x' ? 'other' : 'lookalike'
    seen[expected]++
    return (kindOf(Buffer.from(`{"${spelled}":0}`), TASK) === 'lookalike') === (expected === 'lookalike')
  }), RUNS)
  t.ok(seen.exact > 100 && seen.lookalike > 500 && seen.other > 100, JSON.stringify(seen))
})
