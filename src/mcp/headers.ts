import { isUtf8 } from 'node:buffer'
import { HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, MessageError } from './errors.js'
import { requestIdOf, textOf } from './message.js'
import type { Message, NotificationMessage, Params, RequestMessage } from './message.js'
import { isModern, requirementsOf } from './revision.js'

/** The headers that repeat what the body says (transports/streamable-http, Request Metadata). */
interface MirroredHeaders {
  version?: string
  method?: string
  name?: string
}

const MIRRORED: ReadonlyMap<string, { readonly key: keyof MirroredHeaders, readonly name: string }> = new Map([
  ['mcp-protocol-version', { key: 'version', name: 'MCP-Protocol-Version' }],
  ['mcp-method', { key: 'method', name: 'Mcp-Method' }],
  ['mcp-name', { key: 'name', name: 'Mcp-Name' }]
])

/** Begins the names of the headers that repeat arguments of a tool, in lower case (Custom Headers from Tool Parameters). */
export const PARAM_PREFIX = 'mcp-param-'
/** The first letters of all that is looked at, so that most headers are passed over quickly. */
const LETTER_M = 0x6d
const LETTER_C = 0x63
/** A connection option that names one of these headers: a proxy that obeys (RFC 9110 §7.6.1) removes what was compared. */
const NAMES_MCP_HEADER = /(?:^|,)[ \t]*mcp[-_]/i

/**
 * What `Mcp-Name` repeats. Modern requests of the first three methods must send it; the others have a member that it
 * would repeat (for `tasks/*` the tasks extension says so), so that it must not say something else.
 */
const NAMES: ReadonlyMap<string, { readonly member: keyof Params & ('name' | 'uri' | 'taskId'), readonly isRequired: boolean }> = new Map([
  ['tools/call', { member: 'name', isRequired: true }],
  ['prompts/get', { member: 'name', isRequired: true }],
  ['resources/read', { member: 'uri', isRequired: true }],
  ['resources/subscribe', { member: 'uri', isRequired: false }],
  ['resources/unsubscribe', { member: 'uri', isRequired: false }],
  ['tasks/get', { member: 'taskId', isRequired: false }],
  ['tasks/update', { member: 'taskId', isRequired: false }],
  ['tasks/cancel', { member: 'taskId', isRequired: false }]
])

const SENTINEL_START = '=?base64?'
const SENTINEL_END = '?='
const FIELD_VALUE = /^[\t\x20-\x7e]*$/

/**
 * Checks that the headers do not contradict the body (behaviour M5–M7), so that whatever stands between us and the
 * upstream and goes by the headers sees the message that we authorised. `rawHeaders` is node's list of names and values
 * in turns, for `headers` hides repetitions. Throws MessageError: header mismatch; invalid params when a modern request has
 * no version in `_meta`; or invalid request for a response under a modern revision. Not checked: `Mcp-Param-*` against the
 * arguments, which needs the tool's schema.
 */
export function checkHeaderAgreement (message: Message, rawHeaders: readonly string[]): void {
  const problem = findProblem(message, rawHeaders)
  if (problem !== undefined) throw new MessageError(HEADER_MISMATCH, `Header mismatch: ${problem}`, requestIdOf(message))
}

/**
 * Returns the value that a header stands for, decoded when it is wrapped as `=?base64?…?=` (Value Encoding); undefined
 * when it holds other characters than visible ASCII, space and tab, or wraps what is not canonical base64 of UTF-8.
 */
export function decodeHeaderValue (value: string): string | undefined {
  if (!FIELD_VALUE.test(value)) return undefined
  if (!value.startsWith(SENTINEL_START) || !value.endsWith(SENTINEL_END)) return value
  const encoded = value.slice(SENTINEL_START.length, -SENTINEL_END.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is no base64, so only what it would write itself has one meaning. `=?base64?=` ends within the start.
  const isWhole = value.length >= SENTINEL_START.length + SENTINEL_END.length
  return isWhole && bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function findProblem (message: Message, rawHeaders: readonly string[]): string | undefined {
  const headers: MirroredHeaders = {}
  const malformed = collectHeaders(rawHeaders, headers)
  if (malformed !== undefined) return malformed
  if (message.kind !== 'response') {
    return compareVersion(message, headers) ?? compareMethod(message, headers) ?? compareName(message, headers)
  }
  if (!requirementsOf(headers.version).responses) {
    throw new MessageError(INVALID_REQUEST, 'this protocol version has no responses from clients')
  }
  if (headers.method !== undefined || headers.name !== undefined) return 'a response has no Mcp-Method and no Mcp-Name'
  return undefined
}

/** Fills in the mirrored headers; returns what is wrong with those or with an `Mcp-Param-*` header. */
function collectHeaders (rawHeaders: readonly string[], headers: MirroredHeaders): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const rawName = rawHeaders[index] as string
    const letter = rawName.charCodeAt(0) | 0x20
    if (letter !== LETTER_M && letter !== LETTER_C) continue
    const value = rawHeaders[index + 1] as string
    if (letter === LETTER_C) {
      if (rawName.toLowerCase() === 'connection' && NAMES_MCP_HEADER.test(value)) return 'Connection names an Mcp header, which must reach the server'
      continue
    }
    // CGI and its heirs (WSGI, PHP) do not tell an underscore from a hyphen.
    const name = rawName.toLowerCase().replaceAll('_', '-')
    const mirrored = MIRRORED.get(name)
    if (mirrored !== undefined) {
      if (!FIELD_VALUE.test(value)) return `${mirrored.name} holds characters that a header cannot hold`
      if (rawName.includes('_')) return `${mirrored.name} is spelt with an underscore`
      if (headers[mirrored.key] !== undefined) return `${mirrored.name} occurs twice`
      headers[mirrored.key] = value
    } else if (name.startsWith(PARAM_PREFIX) && decodeHeaderValue(value) === undefined) {
      return 'an Mcp-Param header has a malformed value'
    }
  }
  return undefined
}

function compareVersion (message: RequestMessage | NotificationMessage, { version }: MirroredHeaders): string | undefined {
  const { protocolVersion } = message
  if (protocolVersion === undefined) {
    // Not a mismatch: a modern request without this field is malformed by itself (basic/index, Per-request protocol fields).
    if (mustRepeat(message, version)) throw new MessageError(INVALID_PARAMS, 'params._meta must name the protocol version', requestIdOf(message))
    return undefined
  }
  if (version === undefined) {
    return isModern(protocolVersion) ? 'the required MCP-Protocol-Version is missing' : undefined
  }
  return version === protocolVersion ? undefined : 'MCP-Protocol-Version differs from the version in params._meta'
}

function compareMethod (message: RequestMessage | NotificationMessage, { version, method }: MirroredHeaders): string | undefined {
  if (method === undefined) return mustRepeat(message, version) ? 'the required Mcp-Method is missing' : undefined
  return method === message.method ? undefined : 'Mcp-Method differs from the method in the body'
}

function compareName (message: RequestMessage | NotificationMessage, { version, name }: MirroredHeaders): string | undefined {
  const source = NAMES.get(message.method)
  if (name === undefined) {
    return source?.isRequired === true && mustRepeat(message, version) ? 'the required Mcp-Name is missing' : undefined
  }
  const decoded = decodeHeaderValue(name)
  if (decoded === undefined) return 'Mcp-Name has a malformed value'
  if (source === undefined || decoded === textOf(message.params[source.member])) return undefined
  return `Mcp-Name differs from params.${source.member}`
}

/**
 * Whether headers and body must each say what the other says. The revision leaves the headers of notifications undefined,
 * and the official clients send those with the version header alone; but a tool call without an id is no notification.
 */
function mustRepeat ({ kind, method }: RequestMessage | NotificationMessage, version: string | undefined): boolean {
  const isNotification = kind === 'notification' && method.startsWith('notifications/')
  return !isNotification && requirementsOf(version).mirroredHeaders
}
