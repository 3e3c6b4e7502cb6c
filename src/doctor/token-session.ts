import { headerOf, isSuccess, type Answer } from './exchange.js'
import { initializeRequest, legacyMessage, LEGACY, modernRequest, readRpc, type LegacySession, type Message } from './messages.js'

/** What came of using an access token. */
export type TokenSession =
  | { readonly kind: 'refused', readonly answer: Answer }
  /** Neither refused for its token nor answered as MCP says. */
  | { readonly kind: 'unclear', readonly answer: Answer }
  | OpenSession

/** The token is accepted. */
export interface OpenSession {
  readonly kind: 'open'
  /** Undefined when the server speaks revision 2026-07-28. */
  readonly legacy: LegacySession | undefined
  /** A request that changes nothing and is answered with a result. */
  readonly harmless: Message
  /** Builds a request of the revision that the server speaks. */
  request (method: string, params?: Readonly<Record<string, unknown>>): Message
}

type Post = (message: Message, options: { readonly authorization: readonly string[] }) => Promise<Answer>

/**
 * Uses a token for what changes nothing: `server/discover`, or a legacy `initialize` where that is
 * unknown (MCP basic/transports/streamable-http, Backward Compatibility).
 */
export async function openSession (post: Post, authorization: readonly string[]): Promise<TokenSession> {
  const credentials = { authorization }
  const discover = modernRequest('server/discover')
  const modern = await post(discover, credentials)
  if (modern.status === 401) return { kind: 'refused', answer: modern }
  if (isSuccess(modern) && readRpc(modern)?.kind === 'result') {
    return { kind: 'open', legacy: undefined, harmless: discover, request: modernRequest }
  }
  const initialized = await post(initializeRequest(), credentials)
  if (initialized.status === 401) return { kind: 'refused', answer: initialized }
  const rpc = readRpc(initialized)
  if (!isSuccess(initialized) || rpc?.kind !== 'result') return { kind: 'unclear', answer: initialized }
  const { protocolVersion } = rpc.result
  const legacy = { version: typeof protocolVersion === 'string' && /^[\d-]{10}$/.test(protocolVersion) ? protocolVersion : LEGACY, id: headerOf(initialized, 'mcp-session-id') }
  await post(legacyMessage('notifications/initialized', legacy), credentials)
  return {
    kind: 'open',
    legacy,
    harmless: legacyMessage('ping', legacy),
    request: (method, params) => legacyMessage(method, legacy, params)
  }
}
