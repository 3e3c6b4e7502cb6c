import type { Reading } from '../helpers/naive-json.js'
import type { Random } from './mutate.js'

/** Names and values in turn, like Node's `rawHeaders`. */
export type RawHeaders = readonly string[]
type Field = readonly [name: string, value: string]

const MODERN = '2026-07-28'
const NAMES = ['Mcp-Method', 'Mcp-Name', 'MCP-Protocol-Version']
const VALUES = [
  'tools/call', 'tools/list', 'prompts/get', 'resources/read', 'admin/reset', 'initialize', 'list_todos',
  'get_todo', 'delete_todo', 'file:///public/a', 'file:///etc/passwd', 'summary', MODERN, '2025-11-25',
  '2024-11-05', '2099-01-01', ''
]

/** Returns the headers that a modern client sends along with a message. */
export function headersFor ({ method, params }: Message): RawHeaders {
  const name = params['name'] ?? params['uri']
  const target = typeof name === 'string' ? ['Mcp-Name', name] : []
  return ['MCP-Protocol-Version', MODERN, 'Mcp-Method', method, ...target]
}

interface Message {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/**
 * Returns the headers as they are, or after one to three mutations: a header is left out, repeated,
 * spelled otherwise, or contradicts the body.
 */
export function mutateHeaders (headers: RawHeaders, random: Random): RawHeaders {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const mutations: ReadonlyArray<(fields: readonly Field[]) => readonly Field[]> = [
    (fields) => fields.filter((field) => field !== pick(fields)),
    (fields) => [...fields, [pick(NAMES), pick(VALUES)]],
    (fields) => [[pick(NAMES), pick(VALUES)], ...fields],
    (fields) => replaceOne(fields, ([name]) => [name, pick(VALUES)]),
    (fields) => replaceOne(fields, ([name, value]) => [name, pick(respell(value))]),
    (fields) => replaceOne(fields, ([name, value]) => [name, wrap(pick([value, value, pick(VALUES)]), pick)]),
    (fields) => replaceOne(fields, ([name, value]) => [pick(rename(name)), value])
  ]
  let fields = toFields(headers)
  const rounds = random() < 0.4 ? 0 : 1 + Math.floor(random() * 3)
  for (let round = 0; round < rounds; round++) fields = pick(mutations)(fields)
  return fields.flat()

  function replaceOne (fields: readonly Field[], change: (field: Field) => Field): readonly Field[] {
    const chosen = Math.floor(random() * fields.length)
    return fields.map((field, index) => index === chosen ? change(field) : field)
  }
}

function respell (value: string): string[] {
  return [
    `${value},delete_todo`,
    `delete_todo, ${value}`,
    ` ${value}\t`,
    `${value}\0`,
    value.toUpperCase(),
    `"${value}"`
  ]
}

function rename (name: string): string[] {
  return [name.replaceAll('-', '_'), name.toUpperCase(), `X-${name}`, `${name}\t`]
}

/** Returns a value encoded as `Mcp-Name` may be, or in a way in which it may not. */
function wrap (value: string, pick: <T>(items: readonly T[]) => T): string {
  const encoded = Buffer.from(value).toString('base64')
  return pick([
    `=?base64?${encoded}?=`, `=?base64?${encoded}?=`, `=?BASE64?${encoded}?=`, `=?base64? ${encoded}?=`,
    `=?base64?${encoded.replace(/=+$/, '')}?=`, `=?base64?${encoded}`, `=?utf-8?B?${encoded}?=`
  ])
}

function toFields (headers: RawHeaders): readonly Field[] {
  return Array.from({ length: headers.length / 2 }, (_, index) => {
    return [headers[2 * index] as string, headers[2 * index + 1] as string]
  })
}

/** Tells whether HTTP can carry the headers. Others would never reach the gateway. */
export function canBeSent (headers: RawHeaders): boolean {
  return toFields(headers).every(([name, value]) => {
    return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value)
  })
}

/** The methods whose target `Mcp-Name` repeats. With other methods the header means nothing. */
const NAMED = ['tools/call', 'prompts/get', 'resources/read', 'resources/subscribe', 'resources/unsubscribe']

type Choose = (values: readonly string[]) => string | undefined
const first: Choose = (values) => values[0]
const last: Choose = (values) => values.at(-1)
const split = (values: readonly string[]): string[] => values.flatMap((value) => value.split(','))

type Fold = (name: string) => string
const keep: Fold = (name) => name
const foldUnderscore: Fold = (name) => name.replaceAll('_', '-')

/** How real intermediaries carelessly read the headers. */
const HABITS: Readonly<Record<string, { readonly fold: Fold, readonly choose: Choose }>> = {
  'takes the first of equal headers': { fold: keep, choose: first },
  'takes the last of equal headers': { fold: keep, choose: last },
  'takes an underscore for a hyphen, the first': { fold: foldUnderscore, choose: first },
  'takes an underscore for a hyphen, the last': { fold: foldUnderscore, choose: last },
  'splits lists, the first': { fold: keep, choose: (values) => first(split(values)) },
  'splits lists, the last': { fold: keep, choose: (values) => last(split(values)) }
}

export const NAIVE_HEADER_READERS = Object.entries(HABITS).map(([name, { fold, choose }]) => ({
  name,
  /** Returns undefined when it finds no method. */
  read (headers: RawHeaders): Reading | undefined {
    const fields = toFields(headers)
    const valueOf = (wanted: string): string | undefined => {
      const found = fields.filter(([name]) => fold(name.trim().toLowerCase()) === wanted)
      return choose(found.map(([, value]) => value))?.trim()
    }
    const method = valueOf('mcp-method')
    const target = valueOf('mcp-name')
    if (method === undefined) return undefined
    return { method, targets: target === undefined || !NAMED.includes(method) ? [] : [unwrap(target)] }
  }
}))

function unwrap (value: string): string {
  const encoded = /^=\?base64\?(.*?)(?:\?=)?$/i.exec(value)?.[1]
  return encoded === undefined ? value : Buffer.from(encoded, 'base64').toString('utf8')
}
