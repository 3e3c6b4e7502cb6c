import { decodeToken, type DecodedToken } from './access-token.js'
import { NotApplicable } from './check.js'
import type { HeaderList, HttpResponse, Send } from './exchange.js'
import { findMetadata, type ResourceMetadata } from './find-metadata.js'
import { hasResponse, modernRequest, NO_SUCH, type Message } from './messages.js'
import { openSession, type OpenSession, type TokenSession } from './token-session.js'
import { bearerChallenge, type ParsedChallenge } from './www-authenticate.js'

export interface Examination {
  /** The MCP endpoint, as it was given. */
  readonly url: string
  readonly token?: string | undefined
  /** A token for another resource: the server must refuse it. */
  readonly otherToken?: string | undefined
  /** Whether to register clients at the authorization servers, which are deleted again. Default: no. */
  readonly register?: boolean | undefined
  /** Origin of the web page for which CORS is examined; default the endpoint's own. */
  readonly browserOrigin?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface PostOptions {
  /** Values of the `Authorization` headers. */
  readonly authorization?: readonly string[]
  readonly origin?: string
  /** Instead of the examined URL; must be on the same origin, since credentials may go along. */
  readonly url?: string
}

/** What checks about the protected resource look at. What several of them need is sent for once. */
export interface Context {
  readonly url: URL
  /** The URL as it was typed: identifiers are compared as strings. */
  readonly identifier: string
  readonly browserOrigin: string
  /** Whether clients may be registered. */
  readonly register: boolean
  readonly send: Send
  readonly now: () => number
  /** Posts a message to the endpoint. */
  post (message: Message, options?: PostOptions): Promise<HttpResponse>
  /** The response to a harmless request without credentials. */
  bare (): Promise<HttpResponse>
  /** The same. Throws NotApplicable unless it is a 401. */
  refusal (): Promise<HttpResponse>
  /** The Bearer challenge in that 401. Throws NotApplicable when there is none. */
  challenge (): Promise<ParsedChallenge>
  /** The response to a token that no one issued. */
  garbage (): Promise<HttpResponse>
  metadata (): Promise<ResourceMetadata>
  readonly token: string | undefined
  readonly otherToken: string | undefined
  /** The content of the token. Throws NotApplicable for an opaque token, and without a token. */
  decoded (): DecodedToken
  /** What came of using the token. Throws NotApplicable without a token. */
  tokenAttempt (): Promise<TokenSession>
  /** The same. Throws NotApplicable unless the server accepts the token. */
  session (): Promise<OpenSession>
  /**
   * The response to a call of a tool that cannot exist: even an open server does nothing.
   * Throws NotApplicable unless the server accepts the token.
   */
  unknownTool (): Promise<HttpResponse>
  /** Ends the legacy session, if one was begun. */
  close (): Promise<void>
}

/** A request that changes nothing; a server without authentication answers it to anybody. */
export const HARMLESS: Message = modernRequest('server/discover')

/** A token that no one issued, of the characters that a token may have (RFC 6750 §2.1). */
export const GARBAGE_TOKEN = 'postern-doctor.is-not.a-token'

const NO_TOKEN = 'needs an access token: --token'

type Post = Context['post']

/** Returns the context of one examination. */
export function createContext (examination: Examination, send: Send): Context {
  const { now, browserOrigin, register = false } = examination
  const url = new URL(examination.url)
  const post = createPost(url, send)
  const anonymous = createAnonymousRequests(post)
  return {
    url,
    identifier: examination.url,
    browserOrigin: browserOrigin ?? url.origin,
    register,
    send,
    now,
    post,
    ...anonymous,
    metadata: once(async () => findMetadata(url, await anonymous.bare(), send)),
    ...createTokenRequests(examination, post, send)
  }
}

function createPost (examined: URL, send: Send): Post {
  return function post ({ headers, body }, { authorization = [], origin, url = examined.href } = {}) {
    const credentials: HeaderList = authorization.map((value) => ['Authorization', value])
    const browser: HeaderList = origin === undefined ? [] : [['Origin', origin]]
    const all = [...headers, ...credentials, ...browser]
    return send({ method: 'POST', url, headers: all, body, isEnough: hasResponse })
  }
}

function createAnonymousRequests (post: Post): Pick<Context, 'bare' | 'refusal' | 'challenge' | 'garbage'> {
  const bare = once(() => post(HARMLESS))
  const garbage = once(() => post(HARMLESS, { authorization: [`Bearer ${GARBAGE_TOKEN}`] }))

  async function refusal (): Promise<HttpResponse> {
    const response = await bare()
    if (response.status !== 401) throw new NotApplicable('a request without credentials is not answered 401')
    return response
  }

  async function challenge (): Promise<ParsedChallenge> {
    const found = bearerChallenge(await refusal())
    if (found === undefined) throw new NotApplicable('the 401 has no Bearer challenge')
    return found
  }
  return { bare, refusal, challenge, garbage }
}

type TokenRequests =
  Pick<Context, 'token' | 'otherToken' | 'decoded' | 'tokenAttempt' | 'session' | 'unknownTool' | 'close'>

function createTokenRequests (
  { url, token, otherToken }: Examination, post: Post, send: Send
): TokenRequests {
  const authorization = [`Bearer ${token}`]
  let attempt: Promise<TokenSession> | undefined

  async function tokenAttempt (): Promise<TokenSession> {
    if (token === undefined) throw new NotApplicable(NO_TOKEN)
    return (attempt ??= openSession(post, authorization))
  }

  async function session (): Promise<OpenSession> {
    const tried = await tokenAttempt()
    if (tried.kind === 'open') return tried
    throw new NotApplicable('the server does not accept the token')
  }

  function decoded (): DecodedToken {
    if (token === undefined) throw new NotApplicable(NO_TOKEN)
    const found = decodeToken(token)
    if (found === undefined) throw new NotApplicable('the token is not a JWT')
    return found
  }

  async function close (): Promise<void> {
    const tried = await attempt?.catch(() => undefined)
    if (tried?.kind !== 'open' || tried.legacy?.id === undefined) return
    const { version, id } = tried.legacy
    const headers: HeaderList = [
      ['Authorization', `Bearer ${token}`], ['MCP-Protocol-Version', version], ['Mcp-Session-Id', id]
    ]
    await send({ method: 'DELETE', url, headers }).catch(() => {})
  }

  const unknownTool = once(async () => {
    const { request } = await session()
    return post(request('tools/call', { name: NO_SUCH, arguments: {} }), { authorization })
  })
  return { token, otherToken, decoded, tokenAttempt, session, unknownTool, close }
}

/** Returns a function that does its work at the first call, and returns the same promise ever after. */
export function once<T> (load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => (loaded ??= load())
}
