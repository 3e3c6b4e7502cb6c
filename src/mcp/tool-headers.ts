/**
 * `Mcp-Param-*` headers repeat arguments that a tool's schema marks with `x-mcp-header`
 * (transports/streamable-http, Custom Headers from Tool Parameters). The schema is the upstream's, so it is
 * learned from the lists that pass through.
 */
import { JsonError } from '../json/error.js'
import { scan } from '../json/scan.js'
import { compileShape, type CompiledShape, type Members, type Shape, type Span } from '../json/shape.js'
import { HEADER_MISMATCH, MessageError } from './errors.js'
import { PARAM_PREFIX, decodeHeaderValue } from './headers.js'
import type { ListedTool } from './listing.js'
import { requestIdOf, textOf } from './message.js'
import type { Call, Message } from './message.js'
import { requirementsOf } from './revision.js'

/** What has been learned of one upstream's tools. */
export interface ToolHeaders {
  /** Takes in the tools of one list. What is wrong with a tool's marks leaves that tool unknown. */
  learn (tools: readonly ListedTool[]): void
  /**
   * Compares the headers of a call with its arguments when the tool is known. Throws MessageError, header
   * mismatch (Server Behavior for Custom Headers).
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

/** Marks a property of a schema; its value names the header. */
const MARK = 'x-mcp-header'
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
const NO_ARGUMENTS = Buffer.from('{}')
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** Knows nothing at first. The last list counts; the tools learned first are forgotten first. */
export function rememberToolHeaders (): ToolHeaders {
  const known = new Map<string, KnownTool>()
  return {
    learn (tools) {
      for (const tool of tools) {
        known.delete(tool.name)
        const read = readTool(tool)
        if (read !== undefined) known.set(tool.name, read)
        if (known.size > MAX_TOOLS) known.delete(known.keys().next().value as string)
      }
    },
    check (message, rawHeaders) {
      if (known.size === 0 || message.kind === 'response' || message.method !== 'tools/call') return
      if (!requirementsOf(message.protocolVersion).mirroredHeaders) return
      const tool = known.get(textOf(message.params.name) ?? '')
      if (tool === undefined) return
      const problem = findMismatch(tool, message, rawHeaders)
      if (problem === undefined) return
      throw new MessageError(HEADER_MISMATCH, `Header mismatch: ${problem}`, requestIdOf(message))
    }
  }
}

/** Returns undefined for a tool without marks, and when its marks break a rule or a bound. */
function readTool ({ name, json }: ListedTool): KnownTool | undefined {
  if (!mayHaveMarks(json)) return undefined
  const annotations = readAnnotations(member(JSON.parse(json.toString()), 'inputSchema'))
  if (annotations.length === 0 || lengthOf(name, annotations) > MAX_CHARACTERS) return undefined
  const shape = shapeOf(annotations)
  return shape === undefined ? undefined : { annotations, shape }
}

/** Most tools have no marks, so most are not parsed. The name can also be written with escapes. */
function mayHaveMarks (json: Buffer): boolean {
  return json.includes(MARK) || json.includes('\\u')
}

function lengthOf (name: string, annotations: readonly Annotation[]): number {
  const texts = annotations.flatMap(({ header, path }) => [header, ...path])
  return texts.reduce((sum, text) => sum + text.length, name.length)
}

function member (value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}

/** Returns a schema's annotations; none when one breaks a rule, because clients then leave the tool out. */
function readAnnotations (schema: unknown): readonly Annotation[] {
  const annotations: Annotation[] = []
  const isValid = collect(schema, [], annotations)
  const isUnique = new Set(annotations.map(({ header }) => header)).size === annotations.length
  return isValid && isUnique && annotations.length <= MAX_ANNOTATIONS ? annotations : []
}

/**
 * Adds the annotations below a schema, and returns whether they keep the rules. It follows only chains of
 * `properties`: an annotation anywhere else is invalid, and is not found.
 */
function collect (schema: unknown, path: readonly string[], annotations: Annotation[]): boolean {
  const properties = member(schema, 'properties')
  if (typeof properties !== 'object' || properties === null) return true
  if (path.length >= MAX_SCHEMA_DEPTH) return false
  return Object.entries(properties).every(([name, property]) => {
    const header = member(property, MARK)
    if (header !== undefined) {
      if (typeof header !== 'string' || !TOKEN.test(header)) return false
      if (!MIRRORED_TYPES.has(member(property, 'type'))) return false
      const suffix = header.toLowerCase().replaceAll('_', '-')
      annotations.push({ header: PARAM_PREFIX + suffix, path: [...path, name] })
    }
    return collect(property, [...path, name], annotations)
  })
}

interface ShapeInWork { [name: string]: ShapeInWork | 'span' }

/**
 * Returns the arguments that annotations lead to, for the scanner to pick. Returns undefined when two names
 * look alike: readers would disagree about which of them a header repeats.
 */
function shapeOf (annotations: readonly Annotation[]): CompiledShape | undefined {
  const root: ShapeInWork = Object.create(null)
  for (const { path } of annotations) {
    let at = root
    for (const name of path.slice(0, -1)) {
      const next = at[name]
      const inner: ShapeInWork = typeof next === 'object' ? next : Object.create(null)
      at = at[name] = inner
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
    const isThere = value !== undefined && value.type !== 'null'
    const text = isThere ? bytes.toString('utf8', value.start, value.end) : undefined
    if (!agrees(headers.get(header), value?.type, text)) {
      return `${header} differs from the argument ${path.join('.')}`
    }
  }
  return undefined
}

/** Returns the decoded parameter headers, or what is wrong with them. */
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

/**
 * Returns whether a header repeats an argument. It must when the argument is there, and must be absent when
 * the argument is null or missing (Server Behavior for Custom Headers).
 */
function agrees (
  header: string | undefined, type: Span['type'] | undefined, text: string | undefined
): boolean {
  if (header === undefined || text === undefined) return header === undefined && text === undefined
  if (type === 'string') return header === JSON.parse(text)
  if (type === 'boolean') return header === text
  return type === 'number' && isSameNumber(header, text)
}

/** `42.0` equals `42`. Beyond the integers that every reader tells apart, only the same digits are equal. */
function isSameNumber (header: string, text: string): boolean {
  if (header === text) return true
  const value = Number(text)
  return Number.isSafeInteger(value) && NUMBER.test(header) && Number(header) === value
}
