/**
 * `Mcp-Param-*` headers repeat arguments that a tool's schema marks with `x-mcp-header` (transports/streamable-http,
 * Custom Headers from Tool Parameters). The schema is the upstream's, so it is learned from the lists that pass through.
 */
import { JsonError } from '../json/error.js'
import { scan } from '../json/scan.js'
import { compileShape, type CompiledShape, type Members, type Shape, type Span } from '../json/shape.js'
import { HEADER_MISMATCH, MessageError } from './errors.js'
import { PARAM_PREFIX, decodeHeaderValue } from './headers.js'
import { requestIdOf, textOf } from './message.js'
import type { Call, Message } from './message.js'
import { requirementsOf } from './revision.js'

/** What has been learned of one upstream's tools. */
export interface ToolHeaders {
  /** Takes in one answer to `tools/list`; what cannot be read teaches nothing. */
  learn (answer: Buffer): void
  /**
   * Checks the headers of a call of a known tool against its arguments; an unknown tool's are left alone. Throws
   * MessageError, header mismatch (Server Behavior for Custom Headers).
   */
  check (message: Message, rawHeaders: readonly string[]): void
}

interface Annotation {
  /** In lower case, with its prefix. */
  readonly header: string
  /** Names of the properties that lead to the argument. */
  readonly path: readonly string[]
}

interface KnownTool {
  readonly annotations: readonly Annotation[]
  readonly shape: CompiledShape
}

/** Bounds of what an upstream can make us remember. */
const MAX_TOOLS = 1000
const MAX_ANNOTATIONS = 64
/** Of a tool's name and all names that its annotations hold. */
const MAX_CHARACTERS = 8192
const MAX_SCHEMA_DEPTH = 32
const MAX_ARGUMENT_DEPTH = 64

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
const NO_ARGUMENTS = Buffer.from('{}')
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Remembers nothing at first. The last list seen decides; the oldest tools are forgotten first. */
export function rememberToolHeaders (): ToolHeaders {
  const tools = new Map<string, KnownTool>()
  return {
    learn (answer) {
      for (const { name, annotations } of readTools(answer)) {
        tools.delete(name)
        const shape = annotations.length === 0 || lengthOf(name, annotations) > MAX_CHARACTERS ? undefined : shapeOf(annotations)
        if (shape !== undefined) tools.set(name, { annotations, shape })
        if (tools.size > MAX_TOOLS) tools.delete(tools.keys().next().value as string)
      }
    },
    check (message, rawHeaders) {
      if (tools.size === 0 || message.kind === 'response' || message.method !== 'tools/call') return
      if (!requirementsOf(message.protocolVersion).mirroredHeaders) return
      const tool = tools.get(textOf(message.params.name) ?? '')
      if (tool === undefined) return
      const problem = findMismatch(tool, message, rawHeaders)
      if (problem !== undefined) throw new MessageError(HEADER_MISMATCH, `Header mismatch: ${problem}`, requestIdOf(message))
    }
  }
}

function * readTools (answer: Buffer): Iterable<{ name: string, annotations: readonly Annotation[] }> {
  const tools = member(member(parse(answer), 'result'), 'tools')
  if (!Array.isArray(tools)) return
  for (const tool of tools) {
    const name = member(tool, 'name')
    if (typeof name === 'string') yield { name, annotations: readAnnotations(member(tool, 'inputSchema')) }
  }
}

function lengthOf (name: string, annotations: readonly Annotation[]): number {
  return annotations.flatMap(({ header, path }) => [header, ...path]).reduce((sum, text) => sum + text.length, name.length)
}

function parse (bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function member (value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

/** Returns a schema's annotations; none when one of them breaks a rule, for then clients leave the whole tool out. */
function readAnnotations (schema: unknown): readonly Annotation[] {
  const annotations: Annotation[] = []
  const isValid = collect(schema, [], annotations)
  const isUnique = new Set(annotations.map(({ header }) => header)).size === annotations.length
  return isValid && isUnique && annotations.length <= MAX_ANNOTATIONS ? annotations : []
}

/** Follows chains of `properties` alone: an annotation anywhere else is invalid, and is not found. */
function collect (schema: unknown, path: readonly string[], annotations: Annotation[]): boolean {
  const properties = member(schema, 'properties')
  if (typeof properties !== 'object' || properties === null) return true
  if (path.length >= MAX_SCHEMA_DEPTH) return false
  return Object.entries(properties).every(([name, property]) => {
    const header = member(property, 'x-mcp-header')
    if (header !== undefined) {
      if (typeof header !== 'string' || !TOKEN.test(header) || !MIRRORED_TYPES.has(member(property, 'type'))) return false
      annotations.push({ header: PARAM_PREFIX + header.toLowerCase().replaceAll('_', '-'), path: [...path, name] })
    }
    return collect(property, [...path, name], annotations)
  })
}

/**
 * The arguments that annotations lead to, for the scanner to pick; undefined when the names of two are lookalikes, for then
 * readers differ about which of them a header repeats.
 */
function shapeOf (annotations: readonly Annotation[]): CompiledShape | undefined {
  const root: Record<string, Shape | 'span'> = Object.create(null) as Record<string, Shape | 'span'>
  for (const { path } of annotations) {
    let at = root
    for (const name of path.slice(0, -1)) {
      const next = at[name]
      at = at[name] = (typeof next === 'object' ? next : Object.create(null)) as Record<string, Shape | 'span'>
    }
    at[path[path.length - 1] as string] ??= 'span'
  }
  try {
    return compileShape(root)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function findMismatch (
  { annotations, shape }: KnownTool, { bytes: body, params }: Call, rawHeaders: readonly string[]
): string | undefined {
  const headers = collectParams(rawHeaders)
  if (typeof headers === 'string') return headers
  const { arguments: args } = params
  const bytes = args?.type === 'object' ? body.subarray(args.start, args.end) : NO_ARGUMENTS
  let members: Members<Shape>
  try {
    const picked = scan(bytes, shape, { maxDepth: MAX_ARGUMENT_DEPTH })
    members = 'members' in picked ? picked.members : {}
  } catch (error) {
    if (error instanceof JsonError) return `the arguments hold ${error.message}`
    throw error
  }
  for (const { header, path } of annotations) {
    const value = follow(members, path)
    const text = value === undefined || value.type === 'null' ? undefined : bytes.toString('utf8', value.start, value.end)
    if (!agrees(headers.get(header), value?.type, text)) return `${header} differs from the argument ${path.join('.')}`
  }
  return undefined
}

/** The decoded parameter headers; a text says what is wrong with them. */
function collectParams (rawHeaders: readonly string[]): ReadonlyMap<string, string> | string {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase().replaceAll('_', '-')
    if (!name.startsWith(PARAM_PREFIX)) continue
    const value = decodeHeaderValue(rawHeaders[index + 1] as string)
    if (value === undefined) return `${name} has a malformed value`
    if (headers.has(name)) return `${name} occurs twice`
    headers.set(name, value)
  }
  return headers
}

function follow (members: Members<Shape>, path: readonly string[]): Span | undefined {
  let at: Members<Shape> = members
  for (const [index, name] of path.entries()) {
    const value = at[name]
    if (value === undefined || index === path.length - 1) return value
    if (!('members' in value)) return undefined
    at = value.members
  }
  return undefined
}

/** An argument that is there must be repeated, one that is null or missing must not (Server Behavior for Custom Headers). */
function agrees (header: string | undefined, type: Span['type'] | undefined, text: string | undefined): boolean {
  if (header === undefined || text === undefined) return header === undefined && text === undefined
  if (type === 'string') return header === JSON.parse(text)
  if (type === 'boolean') return header === text
  return type === 'number' && isSameNumber(header, text)
}

/** `42.0` is `42`; beyond the integers that every reader tells apart, only the same digits are the same. */
function isSameNumber (header: string, text: string): boolean {
  if (header === text) return true
  const value = Number(text)
  return Number.isSafeInteger(value) && NUMBER.test(header) && Number(header) === value
}
