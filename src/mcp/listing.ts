/**
 * Lists in results (server/tools, server/resources, server/prompts). Entries that the caller could not use
 * are cut out of the message's own bytes, so that the rest stays as the upstream wrote it (behaviour P9).
 */
import { JsonError } from '../json/error.js'
import { scan } from '../json/scan.js'
import { compileShape, type Picked } from '../json/shape.js'
import type { Operation, TargetKind } from '../policy/policy.js'

/** The methods whose results are lists. */
const LIST_METHODS: ReadonlySet<string> =
  new Set(['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'])

/** The members of a result that are lists, whatever was asked: on a stream the request is not known. */
const MESSAGE = compileShape({
  result: {
    tools: [{ name: 'string' }],
    resources: [{ uri: 'string' }],
    resourceTemplates: [{ uriTemplate: 'string' }],
    prompts: [{ name: 'string' }],
    cacheScope: 'string'
  }
})

type Root = Extract<Picked<typeof MESSAGE.shape>, { members: object }>
type Result = Extract<NonNullable<Root['members']['result']>, { members: object }>

interface ListKind {
  readonly member: Exclude<keyof Result['members'], 'cacheScope'>
  /** The member of an entry that names it. */
  readonly key: 'name' | 'uri' | 'uriTemplate'
  /** The operation that an entry is there for. */
  readonly method: string
  readonly kind: TargetKind
}

const LIST_KINDS: readonly ListKind[] = [
  { member: 'tools', key: 'name', method: 'tools/call', kind: 'tools' },
  { member: 'resources', key: 'uri', method: 'resources/read', kind: 'resources' },
  // The policy decides about a template as it is written. completion/complete repeats it in ref.uri.
  { member: 'resourceTemplates', key: 'uriTemplate', method: 'resources/read', kind: 'resources' },
  { member: 'prompts', key: 'name', method: 'prompts/get', kind: 'prompts' }
]

/** Nesting of a message: schemas of tools are deeper than arguments. */
const MAX_DEPTH = 500

/**
 * A message that may hold a list, and that two readers could read differently or whose list has a wrong type.
 * The text quotes nothing of it.
 */
export class UnreadableList extends Error {
  override readonly name = 'UnreadableList'
}

interface Entry {
  readonly name: string
  readonly start: number
  readonly end: number
}

interface List extends ListKind {
  readonly entries: readonly Entry[]
}

/** One JSON-RPC message, and the lists in its result. */
export interface Listing {
  readonly message: Buffer
  readonly lists: readonly List[]
  /** Undefined for errors and messages with a method. */
  readonly result: Result | undefined
}

export interface ListFilter {
  /** Decides a message's operations, as for a message that is posted. */
  isAllowed (operations: readonly Operation[]): boolean
  /** Whether the request is modern. Results then say who may share them (server/utilities/caching). */
  readonly isModern: boolean
}

export interface ListedTool {
  readonly name: string
  /** The JSON text of its entry. */
  readonly json: Buffer
}

/** A replacement of bytes; without text a removal. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Returns whether the result of a method is a list whose entries the policy decides about. */
export function isListMethod (method: string): boolean {
  return LIST_METHODS.has(method)
}

/** Returns whether bytes hold no JSON object or array, and so no message, for any reader. */
export function holdsNoMessage (bytes: Buffer): boolean {
  return !bytes.includes('{') && !bytes.includes('[')
}

/**
 * The names that a message needs to hold a list or a cacheScope, as a tolerant reader may compare them, or
 * bytes that may spell one otherwise: see `foldName`.
 */
const REVEALING = new RegExp(
  ['tools', 'resource', 'prompts', 'cachescope'].map((name) => [...name].join('[\\W_]*')).join('|') +
    '|\\\\u|[\\x80-\\xff]', 'i'
)

/**
 * Returns whether no reader can find a list or a cacheScope in these bytes. It only looks for names, so that
 * events that are no lists cost little and need not be unambiguous.
 */
export function holdsNoList (bytes: Buffer): boolean {
  return holdsNoMessage(bytes) || !REVEALING.test(bytes.toString('latin1'))
}

/**
 * Returns the lists in one JSON-RPC message. Throws UnreadableList for bytes that are not one unambiguous
 * JSON object, a batch included, and for a list or an entry of a wrong type.
 */
export function readListing (message: Buffer): Listing {
  const root = scanMessage(message)
  if (root.type !== 'object') throw new UnreadableList('the message is not an object')
  const { result } = root.members
  if (result === undefined || result.type === 'null') return { message, lists: [], result: undefined }
  if (result.type !== 'object') throw new UnreadableList('the result is not an object')
  return { message, lists: LIST_KINDS.flatMap((kind) => readList(kind, result)), result }
}

/**
 * Returns the message without the list entries that are not allowed, and with `cacheScope: "private"` where
 * the result has one or a list needs one; the same Buffer when nothing changes.
 */
export function filterListing ({ message, lists, result }: Listing, filter: ListFilter): Buffer {
  if (result === undefined) return message
  const edits = lists.flatMap((list) => cutEntries(list.entries, areAllowed(list, filter)))
  return applyEdits(message, [...edits, ...markPrivate(result, filter.isModern && lists.length > 0)])
}

/** Returns the tools that the message lists, in its order. */
export function listedTools ({ message, lists }: Listing): ListedTool[] {
  return lists.filter(({ member }) => member === 'tools').flatMap(({ entries }) =>
    entries.map(({ name, start, end }) => ({ name, json: message.subarray(start, end) })))
}

function scanMessage (message: Buffer): Picked<typeof MESSAGE.shape> {
  try {
    return scan(message, MESSAGE, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (error instanceof JsonError) throw new UnreadableList(error.message, { cause: error })
    throw error
  }
}

function readList (kind: ListKind, { members }: Result): List[] {
  const { member, key } = kind
  const list = members[member]
  // Go writes an empty list as null.
  if (list === undefined || list.type === 'null') return []
  if (list.type !== 'array') throw new UnreadableList(`result.${member} is not an array`)
  const entries = list.elements.map((entry) => {
    if (entry.type !== 'object') throw new UnreadableList(`an entry of result.${member} is not an object`)
    const name = (entry.members as Readonly<Record<string, Picked<'string'> | undefined>>)[key]
    if (name?.type !== 'string') throw new UnreadableList(`an entry of result.${member} has no ${key}`)
    return { name: name.value, start: entry.start, end: entry.end }
  })
  return [{ ...kind, entries }]
}

function areAllowed ({ method, kind, entries }: List, { isAllowed }: ListFilter): boolean[] {
  return entries.map(({ name }) => isAllowed([{ method }, { method, target: { kind, name } }]))
}

/** An entry leaves with the comma after it; entries after the last that stays, with the comma before them. */
function cutEntries (entries: readonly Entry[], isKept: readonly boolean[]): Edit[] {
  const lastKept = isKept.lastIndexOf(true)
  const edits: Edit[] = []
  entries.forEach(({ start }, index) => {
    const next = entries[index + 1]
    if (next === undefined || index >= lastKept || isKept[index] === true) return
    edits.push({ start, end: next.start, text: '' })
  })
  const [first, last] = [entries[0], entries[entries.length - 1]]
  if (first === undefined || last === undefined || lastKept === entries.length - 1) return edits
  return [...edits, { start: entries[lastKept]?.end ?? first.start, end: last.end, text: '' }]
}

/** What the policy allows to one principal must not be shared with others. */
function markPrivate ({ start, members: { cacheScope } }: Result, needsScope: boolean): Edit[] {
  if (cacheScope === undefined) {
    return needsScope ? [{ start: start + 1, end: start + 1, text: '"cacheScope":"private",' }] : []
  }
  if (cacheScope.type === 'string' && cacheScope.value === 'private') return []
  return [{ start: cacheScope.start, end: cacheScope.end, text: '"private"' }]
}

function applyEdits (bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const parts: Buffer[] = []
  let at = 0
  for (const { start, end, text } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, start), Buffer.from(text))
    at = end
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}
