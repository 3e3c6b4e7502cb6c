import { headerOf, isSuccess, type HttpResponse } from './exchange.js'
import {
  initializeRequest, legacyMessage, LEGACY, modernRequest, readRpc, type LegacySession, type Message
} from './messages.js'

/** What came of using an access token. */
export type TokenSession =
  | { readonly kind: 'refused', readonly response: HttpResponse }
  /** The server neither refused the token nor answered as MCP says. */
  | { readonly kind: 'unclear', readonly response: HttpResponse }
  | OpenSession

/** The server accepts the token. */
export interface OpenSession {
  readonly kind: 'open'
  /** Undefined when the server speaks revision 2026-07-28. */
  readonly legacy: LegacySession | undefined
  /** A request that changes nothing; its response is a result. */
  readonly harmless: Message
  /** Builds a request of the revision that the server speaks. */
  request (method: string, params?: Readonly<Record<string, unknown>>): Message
}

type Post = (
  message: Message, options: { readonly authorization: readonly string[] }
) => Promise<HttpResponse>

/**
 * Uses a token for a request that changes nothing: `server/discover`, or a legacy `initialize` if the
 * server does not know that (MCP basic/transports/streamable-http, Backward Compatibility).
 */
export async function openSession (post: Post, authorization: readonly string[]): Promise<TokenSession> {
  const credentials = { authorization }
  const discover = modernRequest('server/discover')
  const modern = await post(discover, credentials)
  if (modern.status === 401) return { kind: 'refused', response: modern }
  if (isSuccess(modern) && readRpc(modern)?.kind === 'result') {
    return { kind: 'open', legacy: undefined, harmless: discover, request: modernRequest }
  }
  const initialized = await post(initializeRequest(), credentials)
  if (initialized.status === 401) return { kind: 'refused', response: initialized }
  const rpc = readRpc(initialized)
  if (!isSuccess(initialized) || rpc?.kind !== 'result') return { kind: 'unclear', response: initialized }
  const version = versionOf(rpc.result['protocolVersion'])
  const legacy = { version, id: headerOf(initialized, 'mcp-session-id') }
  await post(legacyMessage('notifications/initialized', legacy), credentials)
  return {
    kind: 'open',
    legacy,
    harmless: legacyMessage('ping', legacy),
    request: (method, params) => legacyMessage(method, legacy, params)
  }
}

function versionOf (protocolVersion: unknown): string {
  return typeof protocolVersion === 'string' && /^[\d-]{10}$/.test(protocolVersion) ? protocolVersion : LEGACY
}
