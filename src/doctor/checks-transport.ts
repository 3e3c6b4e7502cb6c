import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { HARMLESS, type Context } from './context.js'
import { headerOf, isSuccess, type Answer } from './exchange.js'
import { isLoopback } from './named-url.js'
import { quote } from './quote.js'

const TRANSPORT = 'basic/transports/streamable-http'

/** An origin that no server can know (RFC 2606 §2). */
const FOREIGN_ORIGIN = 'https://postern-doctor.invalid'

/** What a modern client in a web page sends besides what every page may (MCP basic/transports/streamable-http, Request Metadata). */
const CLIENT_HEADERS = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']

/** The URL itself. */
export const endpointChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'reachable',
    title: 'The URL answers a POST',
    clause: mcp(TRANSPORT, 'Security & Endpoint'),
    severity: 'must',
    advice: 'Check the URL, that the server runs, and what stands between here and there.',
    blocks: 'the URL does not answer',
    run: async (context) => pass(`${(await context.bare()).status}`)
  },
  {
    id: 'no-redirect',
    title: 'The URL does not redirect',
    clause: 'RFC 9728 §3.3; RFC 9110 §15.4',
    severity: 'must',
    advice: 'Publish the URL that answers, to the last slash. Clients lose the body with 301 to 303, some lose the token with 307 and 308, and none finds metadata for another URL.',
    blocks: 'the URL redirects: examine the one that it names',
    run: noRedirect
  },
  {
    id: 'https',
    title: 'The URL is https, or on a loopback host',
    clause: 'RFC 9728 §2 (resource); OAuth 2.1 draft-13 §1.5',
    severity: 'should',
    advice: 'Serve it over TLS: whoever can read the traffic has the tokens.',
    run: ({ url }) => url.protocol === 'https:' || isLoopback(url.hostname) ? pass() : warn(`tokens travel to ${url.host} in plain text`)
  },
  {
    id: 'exempt-paths',
    title: 'A ".well-known" in the path or the query opens nothing',
    clause: mcp('basic/authorization', 'Access Token Usage, Token Requirements'),
    severity: 'must',
    advice: 'Exempt exact paths from authentication; never ask whether a URL contains or begins with something.',
    run: exemptPaths
  },
  {
    id: 'health',
    title: 'GET /health answers without credentials',
    clause: 'Postern, behaviour R1',
    severity: 'info',
    advice: '',
    run: async ({ ask, url }) => {
      const answer = await ask({ url: `${url.origin}/health` })
      return isSuccess(answer) ? pass() : skip(`/health answers ${answer.status}, as it may`)
    }
  }
]

/** What a page in a browser may and may not do. */
export const browserChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'foreign-origin',
    title: 'A request from a foreign Origin is answered 403',
    clause: mcp(TRANSPORT, 'Security & Endpoint'),
    severity: 'must',
    advice: 'Compare Origin, when there is one, with a list of allowed origins, and answer 403 to the others before anything else: DNS rebinding makes any page look local.',
    run: foreignOrigin
  },
  {
    id: 'preflight',
    title: 'A CORS preflight is answered without credentials',
    clause: 'Fetch, CORS-preflight fetch',
    severity: 'should',
    advice: 'Answer OPTIONS before asking for a token: browsers never send one with it. Name the page\'s origin with --origin if it is another.',
    run: async (context) => {
      const answer = await preflight(context)
      if (!isSuccess(answer)) return warn(`OPTIONS answers ${answer.status}`)
      return allowsOrigin(answer, context.browserOrigin) ? pass() : warn(describeAllowedOrigin(answer))
    }
  },
  {
    id: 'preflight-headers',
    title: 'The preflight allows the headers that clients send',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Headers)',
    severity: 'should',
    advice: `Allow by name: ${CLIENT_HEADERS.join(', ')}, and for older clients mcp-session-id and last-event-id. A literal * does not cover Authorization.`,
    run: preflightHeaders
  },
  {
    id: 'cors-exposed',
    title: 'A web page can read the challenge of a 401',
    clause: 'Fetch, CORS protocol (Access-Control-Expose-Headers)',
    severity: 'should',
    advice: 'Put CORS outside authentication, so that refusals carry Access-Control-Allow-Origin too, and expose WWW-Authenticate.',
    run: corsExposed
  },
  {
    id: 'cors-credentials',
    title: 'No foreign page is allowed to send cookies along',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Credentials)',
    severity: 'should',
    advice: 'Leave Access-Control-Allow-Credentials out: access tokens need none, and together with a reflected Origin it opens whatever else trusts cookies.',
    run: async (context) => {
      const answer = await preflight(context, FOREIGN_ORIGIN)
      const isOpen = headerOf(answer, 'access-control-allow-credentials') === 'true' && allowsOrigin(answer, FOREIGN_ORIGIN)
      return isOpen ? fail('an unknown Origin is allowed, with credentials') : pass()
    }
  }
]

async function noRedirect (context: Context): Promise<Outcome> {
  const answer = await context.bare()
  if (answer.status < 300 || answer.status > 399) return pass()
  return fail(`answers ${answer.status} to ${quote(headerOf(answer, 'location'))}`)
}

async function exemptPaths (context: Context): Promise<Outcome> {
  await context.refusal()
  const { url, post } = context
  const query = `${url.href}${url.search === '' ? '?' : '&'}postern-doctor=/.well-known/`
  const below = `${url.origin}${url.pathname.replace(/\/$/, '')}/.well-known/oauth-protected-resource/postern-doctor`
  for (const exempt of [query, below]) {
    const answer = await post(HARMLESS, { url: exempt })
    if (isSuccess(answer)) return fail(`a POST to ${quote(exempt)} is answered ${answer.status} without credentials`)
  }
  return pass()
}

async function foreignOrigin (context: Context): Promise<Outcome> {
  const { token, post } = context
  const attempt = token === undefined ? undefined : await context.tokenAttempt()
  if (attempt?.kind !== 'open') {
    const { status } = await post(HARMLESS, { origin: FOREIGN_ORIGIN })
    if (status === 403) return pass()
    if (status === 401) return skip('credentials are asked for first; only a request with a token tells: --token')
    return fail(`answered ${status}`)
  }
  const { status } = await post(attempt.harmless, { origin: FOREIGN_ORIGIN, authorization: [`Bearer ${token}`] })
  return status === 403 ? pass('with a token') : fail(`answered ${status}, with a token`)
}

/** Asks what a page's browser would ask before it posts a message. */
function preflight ({ ask, url, browserOrigin }: Context, origin = browserOrigin): Promise<Answer> {
  return ask({
    method: 'OPTIONS',
    url: url.href,
    headers: [['Origin', origin], ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', CLIENT_HEADERS.join(',')]]
  })
}

async function preflightHeaders (context: Context): Promise<Outcome> {
  const answer = await preflight(context)
  if (!isSuccess(answer) || !allowsOrigin(answer, context.browserOrigin)) return skip('the preflight is not answered')
  const allowed = headerNames(answer, 'access-control-allow-headers')
  const missing = CLIENT_HEADERS.filter((name) => !allowed.has(name) && (name === 'authorization' || !allowed.has('*')))
  return missing.length === 0 ? pass() : warn(`not allowed: ${missing.join(', ')}`)
}

async function corsExposed (context: Context): Promise<Outcome> {
  await context.refusal()
  const answer = await context.post(HARMLESS, { origin: context.browserOrigin })
  if (answer.status !== 401) return skip(`the answer to a page of ${context.browserOrigin} is ${answer.status}: name an allowed one with --origin`)
  if (!allowsOrigin(answer, context.browserOrigin)) return warn(`the 401 has ${describeAllowedOrigin(answer)}`)
  const exposed = headerNames(answer, 'access-control-expose-headers')
  return exposed.has('www-authenticate') || exposed.has('*') ? pass() : warn('WWW-Authenticate is not exposed')
}

function headerNames (answer: Answer, name: string): ReadonlySet<string> {
  return new Set((headerOf(answer, name) ?? '').split(',').map((item) => item.trim().toLowerCase()))
}

/** Tells whether a page of an origin may read an answer (Fetch, CORS check, without credentials). */
export function allowsOrigin (answer: Answer, origin: string): boolean {
  const allowed = headerOf(answer, 'access-control-allow-origin')
  return allowed === '*' || allowed === origin
}

/** Says what is wrong with an answer's Access-Control-Allow-Origin. */
export function describeAllowedOrigin (answer: Answer): string {
  const allowed = headerOf(answer, 'access-control-allow-origin')
  return allowed === undefined ? 'no Access-Control-Allow-Origin' : `Access-Control-Allow-Origin: ${quote(allowed)}`
}
