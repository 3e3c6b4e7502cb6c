import { headerOf, parseJsonObject, type HttpResponse, type HeaderList, type JsonObject } from './exchange.js'

/** The revision whose rules the checks apply, and the one before it, for servers that know no other. */
export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'

/** No server has a tool or a session of this name. */
export const NO_SUCH = 'postern-doctor-no-such'

const ID = 'postern-doctor'
const CLIENT_INFO = { name: 'postern-doctor', version: '1' }

/** A body to post, and the headers that go with it. */
export interface Message {
  readonly headers: HeaderList
  readonly body: string
}

const CONTENT: HeaderList = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream']
]

/** Returns a request of revision 2026-07-28 (MCP basic/transports/streamable-http, Request Metadata). */
export function modernRequest (method: string, params: JsonObject = {}): Message {
  const { name } = params
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  return {
    headers: [
      ...CONTENT,
      ['MCP-Protocol-Version', MODERN],
      ['Mcp-Method', method],
      ...typeof name === 'string' ? [['Mcp-Name', name] as const] : []
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: ID, method, params: { ...params, _meta: meta } })
  }
}

/** Returns the request that begins a legacy session (MCP 2025-11-25 basic/lifecycle). */
export function initializeRequest (): Message {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT_INFO }
  return { headers: CONTENT, body: JSON.stringify({ jsonrpc: '2.0', id: ID, method: 'initialize', params }) }
}

/** What a legacy server said in its response to `initialize`. */
export interface LegacySession {
  readonly version: string
  /** Absent for servers without sessions. */
  readonly id?: string | undefined
}

/** Returns a request in a legacy session. For a notification it has no id. */
export function legacyMessage (method: string, { version, id }: LegacySession, params?: JsonObject): Message {
  const isNotification = method.startsWith('notifications/')
  const session: HeaderList = id === undefined ? [] : [['Mcp-Session-Id', id]]
  return {
    headers: [...CONTENT, ['MCP-Protocol-Version', version], ...session],
    body: JSON.stringify({ jsonrpc: '2.0', id: isNotification ? undefined : ID, method, params })
  }
}

/** The response to a request, as JSON-RPC sees it. */
export type RpcResponse =
  | { readonly kind: 'result', readonly result: JsonObject }
  | { readonly kind: 'error', readonly code: unknown, readonly data: unknown }

/** Returns the JSON-RPC response in a body, JSON or event stream; undefined when there is none. */
export function readRpc (response: HttpResponse): RpcResponse | undefined {
  const isStream = /^text\/event-stream/i.test(headerOf(response, 'content-type') ?? '')
  return isStream ? readStream(response.text) : readResponse(response.text)
}

/** Tells whether a JSON-RPC response has arrived in an event stream. */
export function hasResponse (text: string): boolean {
  return readStream(text) !== undefined
}

/** An event ends with an empty line. All its `data` lines together are one text (HTML §9.2.6). */
function readStream (text: string): RpcResponse | undefined {
  for (const event of text.split(/\r?\n\r?\n|\r\r/)) {
    const data = event.split(/\r?\n|\r/).filter((line) => line.startsWith('data:'))
    const response = readResponse(data.map((line) => line.slice('data:'.length)).join('\n'))
    if (response !== undefined) return response
  }
  return undefined
}

function readResponse (text: string): RpcResponse | undefined {
  const message = parseJsonObject(text)
  if (message === undefined) return undefined
  const { result, error } = message as { result?: JsonObject, error?: JsonObject }
  if (typeof result === 'object' && result !== null) return { kind: 'result', result }
  // An `error` of OAuth is a string (RFC 6749 §5.2), not a JSON-RPC error.
  if (typeof error !== 'object' || error === null) return undefined
  return { kind: 'error', code: error['code'], data: error['data'] }
}
