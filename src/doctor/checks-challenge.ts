import {
  expectUnauthorized, fail, mcp, NotApplicable, pass, skip, warn, type Check, type Outcome
} from './check.js'
import { GARBAGE_TOKEN, HARMLESS, type Context } from './context.js'
import { headerOf, isSuccess, parseJsonObject } from './exchange.js'
import { MODERN, NO_SUCH } from './messages.js'
import { quote } from './quote.js'
import { addQuery } from './urls.js'
import { challengeError, readChallenges } from './www-authenticate.js'

const TOKEN_HANDLING = mcp('basic/authorization', 'Access Token Usage, Token Handling')
const EVERY_REQUEST = mcp('basic/authorization', 'Access Token Usage, Token Requirements')
const DISCOVERY = mcp(
  'basic/authorization/authorization-server-discovery', 'Protected Resource Metadata Discovery Requirements'
)

/** Checks of the response to a request without good credentials. */
export const challengeChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'post-unauthenticated',
    title: 'POST without credentials is answered 401',
    clause: mcp('basic/authorization', 'Error Handling'),
    severity: 'must',
    advice: 'Verify the access token before anything else, and answer 401 when there is none. Clients ' +
      'begin a login only then.',
    run: async (context) => expectUnauthorized(await context.bare())
  },
  unauthenticated('GET'),
  unauthenticated('HEAD'),
  unauthenticated('DELETE'),
  {
    id: 'challenge-syntax',
    title: 'The 401 has one well-formed Bearer challenge',
    clause: 'RFC 9110 §11.6.1, §15.5.2; RFC 6750 §3',
    severity: 'must',
    advice: 'Send one WWW-Authenticate header: Bearer, a space, then name="value" pairs separated by ' +
      'commas. No name may occur twice.',
    run: examineSyntax
  },
  {
    id: 'challenge-resource-metadata',
    title: 'The challenge names the protected resource metadata',
    clause: `RFC 9728 §5.1; ${DISCOVERY}`,
    severity: 'should',
    advice: 'Add resource_metadata="<absolute URL of the metadata document>" to the challenge. Take the ' +
      'URL from the configuration, never from the request.',
    run: async (context) => {
      const named = (await context.challenge()).parameters.get('resource_metadata')
      return named === undefined ? warn('there is no resource_metadata') : pass(quote(named))
    }
  },
  {
    id: 'challenge-no-error',
    title: 'The challenge to a request without credentials has no error',
    clause: 'RFC 6750 §3.1',
    severity: 'should',
    advice: 'Leave error out when the request has no token. Clients take invalid_token to mean that they ' +
      'sent a token and that it no longer works.',
    run: async (context) => {
      const error = (await context.challenge()).parameters.get('error')
      return error === undefined ? pass() : warn(`error=${quote(error)}`)
    }
  },
  {
    id: 'challenge-scope',
    title: 'The challenge says which scopes to ask for',
    clause: mcp('basic/authorization', 'Scope Selection Strategy'),
    severity: 'should',
    advice: 'Add scope="..." with the scopes that clients need: without it they ask for everything in ' +
      'scopes_supported, or for nothing. Many clients register with exactly these scopes. Where they are ' +
      'bound to them (as-register-bound), name all that clients will ever need, or none in both places.',
    run: async (context) => {
      const scope = (await context.challenge()).parameters.get('scope')
      return scope === undefined || scope.trim() === '' ? warn('there is no scope') : pass(quote(scope))
    }
  },
  {
    id: 'challenge-body',
    title: 'The 401 has a JSON body',
    clause: 'RFC 9110 §15.5 (a representation that explains the error)',
    severity: 'should',
    advice: 'Send {"error": ..., "error_description": ...}: some clients show people nothing but the body.',
    run: async (context) => {
      const { text } = await context.refusal()
      return parseJsonObject(text) === undefined ? warn('the body is not a JSON object') : pass()
    }
  },
  {
    id: 'token-garbage',
    title: 'A token that no one issued is answered 401',
    clause: TOKEN_HANDLING,
    severity: 'must',
    advice: 'Verify the token. Answer 401 to every token that is not acceptable, and 503 only while the ' +
      'server cannot find out.',
    run: async (context) => {
      await context.refusal()
      return expectUnauthorized(await context.garbage())
    }
  },
  {
    id: 'token-garbage-error',
    title: 'The challenge to a bad token says invalid_token',
    clause: 'RFC 6750 §3, §3.1',
    severity: 'should',
    advice: 'Add error="invalid_token": it tells clients that they have to get another token.',
    run: async (context) => {
      await context.refusal()
      const response = await context.garbage()
      if (response.status !== 401) return skip('a bad token is not answered 401')
      const error = challengeError(response)
      if (error === 'invalid_token') return pass()
      return warn(error === undefined ? 'there is no error' : `error=${quote(error)}`)
    }
  },
  {
    id: 'basic-credentials',
    title: 'Basic credentials are answered 401',
    clause: `RFC 9110 §11.6.2; ${TOKEN_HANDLING}`,
    severity: 'must',
    advice: 'Accept the scheme Bearer and no other.',
    run: async (context) => {
      await context.refusal()
      const authorization = [`Basic ${btoa('postern:doctor')}`]
      return expectUnauthorized(await context.post(HARMLESS, { authorization }))
    }
  },
  {
    id: 'query-token',
    title: 'A token in the query is not a credential',
    clause: `${EVERY_REQUEST}; OAuth 2.1 draft-13 §5.1`,
    severity: 'must',
    advice: 'Read tokens only from the Authorization header. URLs end up in logs, histories and Referer ' +
      'headers.',
    run: examineQueryToken
  },
  {
    id: 'scheme-case',
    title: 'The scheme is recognised in lower case: "bearer"',
    clause: 'RFC 9110 §11.1',
    severity: 'must',
    advice: 'Compare the scheme without regard to letter case.',
    run: examineSchemeCase
  }
]

function unauthenticated (method: 'GET' | 'HEAD' | 'DELETE'): Check<Context> {
  return {
    id: `${method.toLowerCase()}-unauthenticated`,
    title: `${method} without credentials is answered 401 (or 405)`,
    clause: EVERY_REQUEST,
    severity: 'must',
    advice: 'Ask for credentials whatever the HTTP method: protect the route, not the handler of one method.',
    run: async (context) => {
      // A server that lets everybody in might really delete something.
      if (method === 'DELETE') await context.refusal()
      const { status } = await context.send({
        method,
        url: context.url.href,
        headers: [
          ['Accept', 'text/event-stream'],
          ['MCP-Protocol-Version', MODERN],
          // If the server does delete, it deletes a session that does not exist.
          ...method === 'DELETE' ? [['Mcp-Session-Id', NO_SUCH] as const] : []
        ]
      })
      return status === 401 || status === 405 ? pass(`${status}`) : fail(`answered ${status}`)
    }
  }
}

async function examineSyntax (context: Context): Promise<Outcome> {
  const challenges = readChallenges(await context.refusal())
  if (challenges.kind === 'absent') return fail('there is no WWW-Authenticate')
  if (challenges.kind === 'malformed') return fail(`cannot be parsed: ${quote(challenges.value)}`)
  const { bearer: [bearer, ...more], others } = challenges
  if (bearer === undefined) return fail(`no Bearer challenge, only ${quote(others.join(', '))}`)
  if (more.length > 0) return fail(`${more.length + 1} Bearer challenges`)
  if (bearer.repeated.length > 0) return fail(`more than once: ${quote(bearer.repeated.join(', '))}`)
  return others.length === 0 ? pass() : pass(`besides ${quote(others.join(', '))}`)
}

/**
 * A server that answers a token in the query as it answers a bad token has read it.
 * The check uses a bad token, so that no good one appears in a URL.
 */
async function examineQueryToken (context: Context): Promise<Outcome> {
  const bareError = challengeError(await context.refusal())
  const url = addQuery(context.url, `access_token=${GARBAGE_TOKEN}`)
  const response = await context.post(HARMLESS, { url })
  if (isSuccess(response)) return fail(`answered ${response.status}`)
  if (response.status !== 401) return pass(`${response.status}`)
  const garbageError = challengeError(await context.garbage())
  if (garbageError === bareError) {
    return skip('the server answers a bad token and no token alike: nobody can tell whether it read this one')
  }
  if (challengeError(response) !== garbageError) return pass('ignored')
  return fail(`refused like a bad token (error=${quote(garbageError)}): the server has read it`)
}

async function examineSchemeCase (context: Context): Promise<Outcome> {
  const session = await context.session().catch((error: unknown) => {
    if (error instanceof NotApplicable) return undefined
    throw error
  })
  if (session !== undefined) {
    const response = await context.post(session.harmless, { authorization: [`bearer ${context.token}`] })
    return isSuccess(response) ? pass() : fail(`answered ${response.status}`)
  }
  const garbageError = challengeError(await context.garbage())
  if (garbageError === challengeError(await context.refusal())) {
    return skip('the server answers a bad token and no token alike: needs an access token: --token')
  }
  const response = await context.post(HARMLESS, { authorization: [`bearer ${GARBAGE_TOKEN}`] })
  if (challengeError(response) === garbageError) return pass()
  const challenge = quote(headerOf(response, 'www-authenticate'))
  return fail(`a bad token is answered ${response.status} ${challenge}, as if there were no token`)
}
