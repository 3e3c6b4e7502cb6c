/**
 * Lists in answers (server/tools, server/resources, server/prompts): entries that the caller could not use are cut out of
 * the answer's own bytes, so that all that remains is as the upstream spelled it (behaviour P9).
 */
import { JsonError } from '../json/error.js'
import { scan } from '../json/scan.js'
import { compileShape, type Picked, type Span } from '../json/shape.js'
import type { Operation, TargetKind } from '../policy/policy.js'

/** The methods whose results are lists. */
const LIST_METHODS: ReadonlySet<string> = new Set(['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'])

/** The members of a result that are lists, whatever was asked: on a stream the question is not known. */
const ANSWER = compileShape({
  result: {
    tools: [{ name: 'string' }],
    resources: [{ uri: 'string' }],
    resourceTemplates: [{ uriTemplate: 'string' }],
    prompts: [{ name: 'string' }],
    cacheScope: 'string'
  }
})

type Result = Extract<NonNullable<Extract<Picked<typeof ANSWER.shape>, { members: object }>['members']['result']>, { members: object }>
type ListMember = Exclude<keyof Result['members'], 'cacheScope'>

interface List {
  readonly member: ListMember
  /** The member of an entry that names it. */
  readonly key: 'name' | 'uri' | 'uriTemplate'
  /** The operation that an entry is there for. */
  readonly method: string
  readonly kind: TargetKind
}

const LISTS: readonly List[] = [
  { member: 'tools', key: 'name', method: 'tools/call', kind: 'tools' },
  { member: 'resources', key: 'uri', method: 'resources/read', kind: 'resources' },
  // A template is asked about as it is spelled, as completion/complete is, which repeats it in `ref.uri`.
  { member: 'resourceTemplates', key: 'uriTemplate', method: 'resources/read', kind: 'resources' },
  { member: 'prompts', key: 'name', method: 'prompts/get', kind: 'prompts' }
]

/** Nesting of an answer: schemas of tools are deeper than arguments. */
const MAX_DEPTH = 500

/** An answer that may hold a list, and that two readers may read differently or that is no list's; the message quotes nothing of it. */
export class UnreadableList extends Error {
  override readonly name = 'UnreadableList'
}

export interface ListFilter {
  /** Decides a message's operations, as for a message that is posted. */
  isAllowed (operations: readonly Operation[]): boolean
  /** Whether the question was of a modern revision, whose results say who may share them (server/utilities/caching). */
  readonly isModern: boolean
}

/** A replacement of bytes; without text a removal. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Returns whether the answer to a method is a list whose entries the policy decides about. */
export function isListMethod (method: string): boolean {
  return LIST_METHODS.has(method)
}

/**
 * Returns one JSON-RPC message without the list entries that are not allowed, and with `cacheScope: "private"` where a
 * list has or needs one; the same Buffer when nothing is to be changed, as for errors and messages with a method.
 * Throws UnreadableList for what is no unambiguous JSON object, for a batch, and for a list or an entry of a wrong type.
 */
export function filterListAnswer (answer: Buffer, filter: ListFilter): Buffer {
  const root = read(answer)
  if (root.type !== 'object') throw new UnreadableList('the answer is no object')
  const { result } = root.members
  if (result === undefined || result.type === 'null') return answer
  if (result.type !== 'object') throw new UnreadableList('the result is no object')
  const edits = LISTS.flatMap((list) => filterList(list, result, filter))
  const isList = LISTS.some(({ member }) => result.members[member] !== undefined)
  return applyEdits(answer, isList ? [...edits, ...scopeCache(result, filter.isModern)] : edits)
}

/** Returns whether bytes hold no JSON object or array, and so no message, for any reader. */
export function holdsNoMessage (bytes: Buffer): boolean {
  return !bytes.includes('{') && !bytes.includes('[')
}

function read (answer: Buffer): Picked<typeof ANSWER.shape> {
  try {
    return scan(answer, ANSWER, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (error instanceof JsonError) throw new UnreadableList(error.message, { cause: error })
    throw error
  }
}

function filterList ({ member, key, method, kind }: List, { members }: Result, { isAllowed }: ListFilter): Edit[] {
  const list = members[member]
  if (list === undefined) return []
  if (list.type !== 'array') throw new UnreadableList(`result.${member} is no array`)
  const isKept = list.elements.map((entry) => {
    if (entry.type !== 'object') throw new UnreadableList(`an entry of result.${member} is no object`)
    const name = (entry.members as Readonly<Record<string, Picked<'string'> | undefined>>)[key]
    if (name?.type !== 'string') throw new UnreadableList(`an entry of result.${member} has no ${key}`)
    return isAllowed([{ method }, { method, target: { kind, name: name.value } }])
  })
  return cutEntries(list.elements, isKept)
}

/** An entry leaves with the comma after it; behind the last that stays, with the comma before it. */
function cutEntries (entries: readonly Span[], isKept: readonly boolean[]): Edit[] {
  const lastKept = isKept.lastIndexOf(true)
  const edits: Edit[] = []
  entries.forEach(({ start }, index) => {
    if (index < lastKept && isKept[index] === false) edits.push({ start, end: entries[index + 1]?.start as number, text: '' })
  })
  const last = entries[entries.length - 1]
  if (last === undefined || lastKept === entries.length - 1) return edits
  const start = entries[lastKept]?.end ?? entries[0]?.start as number
  return [...edits, { start, end: last.end, text: '' }]
}

/** What differs between principals must not be shared among them. */
function scopeCache ({ start, members: { cacheScope } }: Result, isModern: boolean): Edit[] {
  if (cacheScope === undefined) return isModern ? [{ start: start + 1, end: start + 1, text: '"cacheScope":"private",' }] : []
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
