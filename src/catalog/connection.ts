import { CatalogError, type CatalogResponse, type Exchange } from './exchange.js'
import {
  asObject, initializeRequest, legacyMessage, LEGACY, MODERN, modernRequest, parseMessage,
  type JsonObject, type Message
} from './message.js'

/** A JSON-RPC response. */
export type RpcResponse =
  | { readonly kind: 'result', readonly result: JsonObject, readonly message: Buffer }
  | { readonly kind: 'error', readonly code: unknown, readonly status: number }

/** An MCP server that answers, in the era that it speaks. */
export interface Connection {
  readonly revision: string
  /** What the server says that it has; undefined when it says nothing. */
  readonly capabilities: JsonObject | undefined
  /** Throws CatalogError when there is no JSON-RPC response. */
  request (method: string, params: JsonObject): Promise<RpcResponse>
  /** Ends the legacy session, if there is one. */
  end (): Promise<void>
}

/** The server has only the transport of 2024-11-05, a stream with an endpoint of its own. */
export class OldTransport extends Error {
  override readonly name = 'OldTransport'
}

/**
 * Connects to the MCP server behind an exchange: `server/discover`, else a legacy `initialize` (MCP
 * basic/transports/streamable-http, Backward Compatibility). Throws CatalogError and OldTransport.
 */
export async function connect (
  exchange: Exchange, fixed: Readonly<Record<string, string>>
): Promise<Connection> {
  let lastId = 0
  const post = (message: Message): Promise<CatalogResponse> => exchange.send({
    method: 'POST', ...message, headers: { ...message.headers, ...fixed }
  })

  const discovered = readRpc(await post(modernRequest(++lastId, 'server/discover', {})))
  if (discovered?.kind === 'result') {
    return {
      revision: MODERN,
      capabilities: asObject(discovered.result['capabilities']),
      request: async (method, params) => (
        demandRpc(await post(modernRequest(++lastId, method, params)), method)
      ),
      end: async () => {}
    }
  }
  const response = await post(initializeRequest(++lastId))
  const initialized = readRpc(response)
  if (initialized?.kind !== 'result') throw await describeRefusal(response, exchange, fixed)
  const { protocolVersion, capabilities } = initialized.result
  const revision = /^[\d-]{10}$/.test(String(protocolVersion)) ? String(protocolVersion) : LEGACY
  const session = { 'mcp-protocol-version': revision, ...sessionOf(response) }
  await post(legacyMessage(undefined, 'notifications/initialized', undefined, session))
  return {
    revision,
    capabilities: asObject(capabilities),
    request: async (method, params) => (
      demandRpc(await post(legacyMessage(++lastId, method, params, session)), method)
    ),
    async end () {
      if (session['mcp-session-id'] === undefined) return
      await exchange.send({ method: 'DELETE', headers: { ...session, ...fixed } }).catch(() => {})
    }
  }
}

function sessionOf ({ headers }: CatalogResponse): { 'mcp-session-id'?: string } {
  const id = headers['mcp-session-id']
  return typeof id === 'string' ? { 'mcp-session-id': id } : {}
}

function readRpc ({ status, message }: CatalogResponse): RpcResponse | undefined {
  const parsed = parseMessage(message)
  const [result, error] = [asObject(parsed?.['result']), asObject(parsed?.['error'])]
  if (result !== undefined && status >= 200 && status < 300) return { kind: 'result', result, message }
  // An `error` of OAuth is a string (RFC 6749 §5.2).
  return error === undefined ? undefined : { kind: 'error', code: error['code'], status }
}

function demandRpc (response: CatalogResponse, method: string): RpcResponse {
  const rpc = readRpc(response)
  if (rpc !== undefined) return rpc
  throw new CatalogError(`${method} is answered ${response.status} without a JSON-RPC response`)
}

/** Returns why a server without a response to `initialize` cannot be listed. */
async function describeRefusal (
  { status }: CatalogResponse, exchange: Exchange, fixed: Readonly<Record<string, string>>
): Promise<Error> {
  if (status !== 404 && status !== 405) {
    return new CatalogError(`initialize gets ${status} and no result: is this an MCP endpoint?`)
  }
  const stream = await exchange.send({ method: 'GET', headers: { accept: 'text/event-stream', ...fixed } })
  const type = String(stream.headers['content-type'])
  if (stream.status === 200 && type.startsWith('text/event-stream')) return new OldTransport()
  return new CatalogError(`initialize gets ${status}: there is no MCP endpoint at this path`)
}
