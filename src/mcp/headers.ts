import { isUtf8 } from 'node:buffer'
import { HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, MessageError } from './errors.js'
import { requestIdOf, textOf } from './message.js'
import type { Message, NotificationMessage, RequestMessage } from './message.js'
import { isModern, requirementsOf } from './revision.js'

type CallMessage = RequestMessage | NotificationMessage

/**
 * How a message comes. The transport of revision 2024-11-05 posts to an announced endpoint and has none of
 * these headers, and yet clients try modern messages on it.
 */
export type Transport = 'streamable-http' | 'http-with-sse'

/** The headers that repeat what the body says (transports/streamable-http, Request Metadata). */
interface MirroredHeaders {
  version?: string
  method?: string
  name?: string
}

interface Mirrored {
  readonly key: keyof MirroredHeaders
  /** As the specification writes it. */
  readonly name: string
}

const MIRRORED: ReadonlyMap<string, Mirrored> = new Map([
  ['mcp-protocol-version', { key: 'version', name: 'MCP-Protocol-Version' }],
  ['mcp-method', { key: 'method', name: 'Mcp-Method' }],
  ['mcp-name', { key: 'name', name: 'Mcp-Name' }]
])

/** Begins the names of headers that repeat arguments, in lower case (Custom Headers from Tool Parameters). */
export const PARAM_PREFIX = 'mcp-param-'
/** The first letters of the headers that are looked at. Most headers are skipped by their first letter. */
const LETTER_M = 0x6d
const LETTER_C = 0x63
/**
 * A connection option that names one of these headers. A proxy that obeys it (RFC 9110 §7.6.1) removes
 * them.
 */
const NAMES_MCP_HEADER = /(?:^|,)[ \t]*mcp[-_]/i

interface NameSource {
  readonly member: 'name' | 'uri' | 'taskId'
  readonly isRequired: boolean
}

/**
 * The member of params that `Mcp-Name` repeats. Modern requests of the first three methods must send the
 * header. With the others it may be absent, but must not say something else (for `tasks/*`, see the tasks
 * extension).
 */
const NAMES: ReadonlyMap<string, NameSource> = new Map<string, NameSource>([
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
 * Checks that the headers do not contradict the body (behaviour M5–M7). So a proxy between the gateway and
 * the upstream that goes by the headers sees the message that was authorised. `rawHeaders` is Node's list
 * of names and values in turns, because `headers` hides repetitions. Throws MessageError: header mismatch;
 * invalid params when a modern request has no version in `_meta`; invalid request for a response under a
 * modern revision. Not checked: `Mcp-Param-*` against the arguments, which needs the tool's schema.
 */
export function checkHeaderAgreement (
  message: Message, rawHeaders: readonly string[], transport: Transport = 'streamable-http'
): void {
  const problem = findProblem(message, rawHeaders, transport)
  if (problem === undefined) return
  throw new MessageError(HEADER_MISMATCH, `Header mismatch: ${problem}`, requestIdOf(message))
}

/**
 * Returns the value that a header stands for, decoded when it is wrapped as `=?base64?…?=` (Value
 * Encoding). Returns undefined when it holds other characters than visible ASCII, space and tab, and when
 * the wrapped text is not canonical base64 of UTF-8.
 */
export function decodeHeaderValue (value: string): string | undefined {
  if (!FIELD_VALUE.test(value)) return undefined
  if (!value.startsWith(SENTINEL_START) || !value.endsWith(SENTINEL_END)) return value
  const encoded = value.slice(SENTINEL_START.length, -SENTINEL_END.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips characters that are not base64. Only the text that it would write has one meaning.
  // `=?base64?=` is too short: its end lies within its start.
  const isWhole = value.length >= SENTINEL_START.length + SENTINEL_END.length
  return isWhole && bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function findProblem (
  message: Message, rawHeaders: readonly string[], transport: Transport
): string | undefined {
  const headers: MirroredHeaders = {}
  const malformed = collectHeaders(rawHeaders, headers)
  if (malformed !== undefined) return malformed
  if (message.kind !== 'response') {
    return compareVersion(message, headers, transport) ??
      compareMethod(message, headers) ??
      compareName(message, headers)
  }
  if (!requirementsOf(headers.version).responses) {
    throw new MessageError(INVALID_REQUEST, 'this protocol version has no responses from clients')
  }
  const hasNeither = headers.method === undefined && headers.name === undefined
  return hasNeither ? undefined : 'a response has no Mcp-Method and no Mcp-Name'
}

/** Fills in the mirrored headers. Returns what is wrong with one of them or with an `Mcp-Param-*` header. */
function collectHeaders (rawHeaders: readonly string[], headers: MirroredHeaders): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const rawName = rawHeaders[index] as string
    const letter = rawName.charCodeAt(0) | 0x20
    if (letter !== LETTER_M && letter !== LETTER_C) continue
    const value = rawHeaders[index + 1] as string
    if (letter === LETTER_C) {
      if (rawName.toLowerCase() === 'connection' && NAMES_MCP_HEADER.test(value)) {
        return 'Connection names an Mcp header, which must reach the server'
      }
      continue
    }
    // CGI, WSGI and PHP do not tell an underscore from a hyphen.
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

function compareVersion (
  message: CallMessage, { version }: MirroredHeaders, transport: Transport
): string | undefined {
  const { protocolVersion } = message
  if (protocolVersion === undefined) {
    if (!mustRepeat(message, version)) return undefined
    // Not a mismatch: a modern request needs this field (basic/index, Per-request protocol fields).
    const text = 'params._meta must name the protocol version'
    throw new MessageError(INVALID_PARAMS, text, requestIdOf(message))
  }
  if (version === undefined) {
    const isMissing = transport === 'streamable-http' && isModern(protocolVersion)
    return isMissing ? 'the required MCP-Protocol-Version is missing' : undefined
  }
  if (version === protocolVersion) return undefined
  return 'MCP-Protocol-Version differs from the version in params._meta'
}

function compareMethod (message: CallMessage, { version, method }: MirroredHeaders): string | undefined {
  if (method === undefined) {
    return mustRepeat(message, version) ? 'the required Mcp-Method is missing' : undefined
  }
  return method === message.method ? undefined : 'Mcp-Method differs from the method in the body'
}

function compareName (message: CallMessage, { version, name }: MirroredHeaders): string | undefined {
  const source = NAMES.get(message.method)
  if (name === undefined) {
    const isMissing = source?.isRequired === true && mustRepeat(message, version)
    return isMissing ? 'the required Mcp-Name is missing' : undefined
  }
  const decoded = decodeHeaderValue(name)
  if (decoded === undefined) return 'Mcp-Name has a malformed value'
  if (source === undefined || decoded === textOf(message.params[source.member])) return undefined
  return `Mcp-Name differs from params.${source.member}`
}

/**
 * Returns whether headers and body must each say what the other says. The revision leaves open which
 * headers a notification has, and the official clients send only the version header with it. A tool call
 * without an id is not such a notification.
 */
function mustRepeat ({ kind, method }: CallMessage, version: string | undefined): boolean {
  const isNotification = kind === 'notification' && method.startsWith('notifications/')
  return !isNotification && requirementsOf(version).mirroredHeaders
}
