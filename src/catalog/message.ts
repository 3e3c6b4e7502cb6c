export type JsonObject = Readonly<Record<string, unknown>>

/** Returns a JSON object; undefined for anything else. */
export function parseMessage (bytes: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(bytes.toString()))
  } catch {
    return undefined
  }
}

/** Returns a value that is a JSON object; undefined for any other. */
export function asObject (value: unknown): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? value as JsonObject : undefined
}

/** Tells whether a message is the response to the request with this id. */
export function isResponseTo (message: JsonObject | undefined, id: number): boolean {
  return message?.['id'] === id && (message['result'] !== undefined || message['error'] !== undefined)
}

/** The revisions that are spoken: the current one, and the last one that begins with `initialize`. */
export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'

const CLIENT_INFO = { name: 'postern', version: '1' }
const CONTENT = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** A body to post, and the headers that go with it. */
export interface Message {
  readonly id?: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** Returns a request of revision 2026-07-28 (MCP basic/transports/streamable-http, Request Metadata). */
export function modernRequest (id: number, method: string, params: JsonObject): Message {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  return {
    id,
    headers: { ...CONTENT, 'mcp-protocol-version': MODERN, 'mcp-method': method },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } })
  }
}

/** Returns the request that begins a legacy session (MCP 2025-11-25 basic/lifecycle). */
export function initializeRequest (id: number): Message {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT_INFO }
  return { id, headers: CONTENT, body: JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params }) }
}

/** Returns a request in a legacy session, or a notification when it has no id. */
export function legacyMessage (
  id: number | undefined, method: string, params: JsonObject | undefined, session: Record<string, string>
): Message {
  return {
    ...(id === undefined ? {} : { id }),
    headers: { ...CONTENT, ...session },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params })
  }
}
