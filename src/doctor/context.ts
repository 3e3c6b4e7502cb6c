import { decodeToken, type DecodedToken } from './access-token.js'
import { NotApplicable } from './check.js'
import type { Answer, Ask, HeaderList } from './exchange.js'
import { findMetadata, type ResourceMetadata } from './find-metadata.js'
import { hasResponse, modernRequest, NO_SUCH, type Message } from './messages.js'
import { openSession, type OpenSession, type TokenSession } from './token-session.js'
import { bearerChallenge, type ParsedChallenge } from './www-authenticate.js'

export interface Examination {
  /** The MCP endpoint, as it was given. */
  readonly url: string
  readonly token?: string | undefined
  /** A token that is not for this resource, and must be refused. */
  readonly otherToken?: string | undefined
  /** Origin of the web page that CORS is checked for; default the endpoint's own. */
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

/** What checks about the protected resource look at. Everything is asked for when first needed, and once. */
export interface Context {
  readonly url: URL
  /** The URL as it was typed: identifiers are compared as strings. */
  readonly identifier: string
  readonly browserOrigin: string
  readonly ask: Ask
  readonly now: () => number
  /** Posts a message to the endpoint. */
  post (message: Message, options?: PostOptions): Promise<Answer>
  /** The answer to a harmless request without credentials. */
  bare (): Promise<Answer>
  /** The same, when it is a 401. Throws NotApplicable. */
  refusal (): Promise<Answer>
  /** The Bearer challenge of that. Throws NotApplicable. */
  challenge (): Promise<ParsedChallenge>
  /** The answer to a token that no one issued. */
  garbage (): Promise<Answer>
  metadata (): Promise<ResourceMetadata>
  readonly token: string | undefined
  readonly otherToken: string | undefined
  /** The token's content. Throws NotApplicable. */
  decoded (): DecodedToken
  /** What the token opens, whatever comes of it. Throws NotApplicable. */
  tokenAttempt (): Promise<TokenSession>
  /** The same, when the token is accepted. Throws NotApplicable. */
  session (): Promise<OpenSession>
  /** The answer to a call of a tool that cannot exist, so that whatever the server lets through, nothing is done. Throws NotApplicable. */
  unknownTool (): Promise<Answer>
  /** Ends what was begun. */
  close (): Promise<void>
}

/** A harmless request: whoever answers it tells what anybody may know. */
export const HARMLESS: Message = modernRequest('server/discover')

/** A token that no one issued, of the characters that a token may have (RFC 6750 §2.1). */
export const GARBAGE_TOKEN = 'postern-doctor.is-not.a-token'

const NO_TOKEN = 'needs an access token: --token'

type Post = Context['post']

/** Returns the context of one examination. */
export function createContext (examination: Examination, ask: Ask): Context {
  const { now, browserOrigin } = examination
  const url = new URL(examination.url)
  const post = createPost(url, ask)
  const strangers = askAsStranger(post)
  return {
    url,
    identifier: examination.url,
    browserOrigin: browserOrigin ?? url.origin,
    ask,
    now,
    post,
    ...strangers,
    metadata: once(async () => findMetadata(url, await strangers.bare(), ask)),
    ...askWithToken(examination, post, ask)
  }
}

function createPost (url: URL, ask: Ask): Post {
  return function post ({ headers, body }, { authorization = [], origin, url: at = url.href } = {}) {
    const credentials: HeaderList = authorization.map((value) => ['Authorization', value])
    const browser: HeaderList = origin === undefined ? [] : [['Origin', origin]]
    return ask({ method: 'POST', url: at, headers: [...headers, ...credentials, ...browser], body, isEnough: hasResponse })
  }
}

function askAsStranger (post: Post): Pick<Context, 'bare' | 'refusal' | 'challenge' | 'garbage'> {
  const bare = once(() => post(HARMLESS))
  const garbage = once(() => post(HARMLESS, { authorization: [`Bearer ${GARBAGE_TOKEN}`] }))

  async function refusal (): Promise<Answer> {
    const answer = await bare()
    if (answer.status !== 401) throw new NotApplicable('a request without credentials is not answered 401')
    return answer
  }

  async function challenge (): Promise<ParsedChallenge> {
    const found = bearerChallenge(await refusal())
    if (found === undefined) throw new NotApplicable('the 401 has no Bearer challenge')
    return found
  }
  return { bare, refusal, challenge, garbage }
}

type TokenQuestions = Pick<Context, 'token' | 'otherToken' | 'decoded' | 'tokenAttempt' | 'session' | 'unknownTool' | 'close'>

function askWithToken ({ url, token, otherToken }: Examination, post: Post, ask: Ask): TokenQuestions {
  const authorization = [`Bearer ${token}`]
  let attempt: Promise<TokenSession> | undefined

  async function tokenAttempt (): Promise<TokenSession> {
    if (token === undefined) throw new NotApplicable(NO_TOKEN)
    return (attempt ??= openSession(post, authorization))
  }

  async function session (): Promise<OpenSession> {
    const tried = await tokenAttempt()
    if (tried.kind === 'open') return tried
    throw new NotApplicable('the token opens nothing')
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
    const headers: HeaderList = [['Authorization', `Bearer ${token}`], ['MCP-Protocol-Version', version], ['Mcp-Session-Id', id]]
    await ask({ method: 'DELETE', url, headers }).catch(() => {})
  }

  const unknownTool = once(async () => post((await session()).request('tools/call', { name: NO_SUCH, arguments: {} }), { authorization }))
  return { token, otherToken, decoded, tokenAttempt, session, unknownTool, close }
}

/** Returns a function that does its work at the first call, and returns the same promise ever after. */
export function once<T> (load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => (loaded ??= load())
}
