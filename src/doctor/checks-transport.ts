import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { HARMLESS, type Context } from './context.js'
import { allowsOrigin, expectPreflight, expectReadable, listedHeaders, sendPreflight } from './cors.js'
import { headerOf, isSuccess, type HttpResponse } from './exchange.js'
import { quote } from './quote.js'
import { addQuery, isLoopback } from './urls.js'

const TRANSPORT = 'basic/transports/streamable-http'

/** An origin that no server can know (RFC 2606 §2). */
const FOREIGN_ORIGIN = 'https://postern-doctor.invalid'

/**
 * The headers for which a modern client in a web page needs permission
 * (MCP basic/transports/streamable-http, Request Metadata).
 */
const CLIENT_HEADERS = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']

/** Checks of the URL itself. */
export const endpointChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'reachable',
    title: 'The URL answers a POST',
    clause: mcp(TRANSPORT, 'Security & Endpoint'),
    severity: 'must',
    advice: 'See that the URL is right and that the server runs. Then look at the proxies and firewalls on ' +
      'the way.',
    blocks: 'the URL does not answer',
    run: async (context) => pass(`${(await context.bare()).status}`)
  },
  {
    id: 'no-redirect',
    title: 'The URL does not redirect',
    clause: 'RFC 9728 §3.3; RFC 9110 §15.4',
    severity: 'must',
    advice: 'Publish the URL that answers, to the last slash. Clients lose the body with 301 to 303, some ' +
      'lose the token with 307 and 308, and none finds metadata for another URL.',
    blocks: 'the URL redirects: examine the URL that it redirects to',
    run: examineRedirect
  },
  {
    id: 'https',
    title: 'The URL is https, or on a loopback host',
    clause: 'RFC 9728 §2 (resource); OAuth 2.1 draft-13 §1.5',
    severity: 'should',
    advice: 'Serve it over TLS: everybody who can read the traffic has the tokens.',
    run: ({ url }) => {
      if (url.protocol === 'https:' || isLoopback(url.hostname)) return pass()
      return warn(`tokens travel to ${url.host} in plain text`)
    }
  },
  {
    id: 'exempt-paths',
    title: 'A ".well-known" in the path or the query opens nothing',
    clause: mcp('basic/authorization', 'Access Token Usage, Token Requirements'),
    severity: 'must',
    advice: 'Exempt exact paths from authentication. Never ask whether a URL contains something or begins ' +
      'with it.',
    run: examineExemptPaths
  },
  {
    id: 'health',
    title: 'GET /health answers without credentials',
    clause: 'Postern, behaviour R1',
    severity: 'info',
    advice: '',
    run: async ({ send, url }) => {
      const response = await send({ url: `${url.origin}/health` })
      return isSuccess(response) ? pass() : skip(`/health is answered ${response.status}, which is allowed`)
    }
  }
]

/** Checks of what a page in a browser may and may not do. */
export const browserChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'foreign-origin',
    title: 'A request from a foreign Origin is answered 403',
    clause: mcp(TRANSPORT, 'Security & Endpoint'),
    severity: 'must',
    advice: 'If a request has an Origin, compare it with a list of allowed origins before anything else, ' +
      'and answer 403 to the others. With DNS rebinding any page can look local.',
    run: examineForeignOrigin
  },
  {
    id: 'preflight',
    title: 'A CORS preflight is answered without credentials',
    clause: 'Fetch, CORS-preflight fetch',
    severity: 'should',
    advice: 'Answer OPTIONS before asking for a token: browsers never send one with it. Name the page\'s ' +
      'origin with --origin if it is another.',
    run: async (context) => expectPreflight(await sendClientPreflight(context), context.browserOrigin)
  },
  {
    id: 'preflight-headers',
    title: 'The preflight allows the headers that clients send',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Headers)',
    severity: 'should',
    advice: `Allow by name: ${CLIENT_HEADERS.join(', ')}, and for older clients mcp-session-id and ` +
      'last-event-id. A literal * does not cover Authorization.',
    run: examinePreflightHeaders
  },
  {
    id: 'cors-exposed',
    title: 'A web page can read the challenge of a 401',
    clause: 'Fetch, CORS protocol (Access-Control-Expose-Headers)',
    severity: 'should',
    advice: 'Put CORS outside authentication, so that refusals carry Access-Control-Allow-Origin too, and ' +
      'expose WWW-Authenticate.',
    run: examineExposedHeaders
  },
  {
    id: 'cors-credentials',
    title: 'No foreign page is allowed to send cookies along',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Credentials)',
    severity: 'should',
    advice: 'Leave Access-Control-Allow-Credentials out: access tokens do not need it. Together with a ' +
      'reflected Origin it opens everything that trusts cookies.',
    run: async (context) => {
      const response = await sendClientPreflight(context, FOREIGN_ORIGIN)
      const allowsCookies = headerOf(response, 'access-control-allow-credentials') === 'true'
      return allowsCookies && allowsOrigin(response, FOREIGN_ORIGIN)
        ? fail('an unknown Origin is allowed, with credentials')
        : pass()
    }
  }
]

async function examineRedirect (context: Context): Promise<Outcome> {
  const response = await context.bare()
  if (response.status < 300 || response.status > 399) return pass()
  return fail(`redirects with ${response.status} to ${quote(headerOf(response, 'location'))}`)
}

async function examineExemptPaths (context: Context): Promise<Outcome> {
  await context.refusal()
  const { url, post } = context
  const path = url.pathname.replace(/\/$/, '')
  const urls = [
    addQuery(url, 'postern-doctor=/.well-known/'),
    `${url.origin}${path}/.well-known/oauth-protected-resource/postern-doctor`
  ]
  for (const exempt of urls) {
    const response = await post(HARMLESS, { url: exempt })
    if (isSuccess(response)) {
      return fail(`a POST to ${quote(exempt)} is answered ${response.status} without credentials`)
    }
  }
  return pass()
}

async function examineForeignOrigin (context: Context): Promise<Outcome> {
  const { token, post } = context
  const attempt = token === undefined ? undefined : await context.tokenAttempt()
  if (attempt?.kind !== 'open') {
    const { status } = await post(HARMLESS, { origin: FOREIGN_ORIGIN })
    if (status === 403) return pass()
    if (status === 401) return skip('the server asks for credentials first: needs an access token: --token')
    return fail(`answered ${status}`)
  }
  const authorization = [`Bearer ${token}`]
  const { status } = await post(attempt.harmless, { origin: FOREIGN_ORIGIN, authorization })
  return status === 403 ? pass('with a token') : fail(`answered ${status}, with a token`)
}

/** Sends the preflight that a page's browser would send before it posts a message. */
function sendClientPreflight (context: Context, origin = context.browserOrigin): Promise<HttpResponse> {
  return sendPreflight(context.send, context.url.href, origin, CLIENT_HEADERS)
}

async function examinePreflightHeaders (context: Context): Promise<Outcome> {
  const { browserOrigin } = context
  const response = await sendClientPreflight(context)
  if (!isSuccess(response) || !allowsOrigin(response, browserOrigin)) {
    return skip('the preflight does not allow the page')
  }
  const allowed = listedHeaders(response, 'access-control-allow-headers')
  // A literal * stands for every header but Authorization.
  const missing = CLIENT_HEADERS
    .filter((name) => !allowed.has(name) && (name === 'authorization' || !allowed.has('*')))
  return missing.length === 0 ? pass() : warn(`not allowed: ${missing.join(', ')}`)
}

async function examineExposedHeaders (context: Context): Promise<Outcome> {
  await context.refusal()
  const { browserOrigin, post } = context
  const response = await post(HARMLESS, { origin: browserOrigin })
  if (response.status !== 401) {
    const { status } = response
    return skip(`a page of ${browserOrigin} is answered ${status}: name an allowed origin with --origin`)
  }
  if (!allowsOrigin(response, browserOrigin)) return expectReadable(response, browserOrigin)
  const exposed = listedHeaders(response, 'access-control-expose-headers')
  const isExposed = exposed.has('www-authenticate') || exposed.has('*')
  return isExposed ? pass() : warn('WWW-Authenticate is not exposed')
}
