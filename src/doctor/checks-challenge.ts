import { fail, mcp, NotApplicable, pass, skip, warn, type Check, type Outcome } from './check.js'
import { GARBAGE_TOKEN, HARMLESS, type Context } from './context.js'
import { headerOf, isSuccess, parseJsonObject } from './exchange.js'
import { MODERN, NO_SUCH } from './messages.js'
import { quote } from './quote.js'
import { challengeError, readChallenges } from './www-authenticate.js'

const TOKEN_HANDLING = mcp('basic/authorization', 'Access Token Usage, Token Handling')
const EVERY_REQUEST = mcp('basic/authorization', 'Access Token Usage, Token Requirements')
const PROTECT = 'Ask for credentials whatever the HTTP method: protect the route, not the handler of one method.'

/** What a request without good credentials gets. */
export const challengeChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'post-unauthenticated',
    title: 'POST without credentials is answered 401',
    clause: mcp('basic/authorization', 'Error Handling'),
    severity: 'must',
    advice: 'Check the access token before anything else, and answer 401 when there is none. Clients begin a login only then.',
    run: async (context) => {
      const { status } = await context.bare()
      return status === 401 ? pass() : fail(`answered ${status}`)
    }
  },
  unauthenticated('GET'),
  unauthenticated('HEAD'),
  unauthenticated('DELETE'),
  {
    id: 'challenge-syntax',
    title: 'The 401 has one well-formed Bearer challenge',
    clause: 'RFC 9110 §11.6.1, §15.5.2; RFC 6750 §3',
    severity: 'must',
    advice: 'Send one WWW-Authenticate header: Bearer, a space, then name="value" pairs separated by commas, none of them twice.',
    run: challengeSyntax
  },
  {
    id: 'challenge-resource-metadata',
    title: 'The challenge names the protected resource metadata',
    clause: `RFC 9728 §5.1; ${mcp('basic/authorization/authorization-server-discovery', 'Protected Resource Metadata Discovery Requirements')}`,
    severity: 'should',
    advice: 'Add resource_metadata="<absolute URL of the metadata document>" to the challenge. Take the URL from the configuration, never from the request.',
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
    advice: 'Leave error out when no token came: clients take invalid_token to mean that they had one, and it is used up.',
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
    advice: 'Add scope="..." with what a first login needs (Postern: defaultScopes). Without it clients ask for everything in scopes_supported, or for nothing.',
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
    advice: 'Send {"error": ..., "error_description": ...}: it is what people see of clients that only print the body.',
    run: async (context) => parseJsonObject((await context.refusal()).text) === undefined ? warn('the body is not a JSON object') : pass()
  },
  {
    id: 'token-garbage',
    title: 'A token that no one issued is answered 401',
    clause: TOKEN_HANDLING,
    severity: 'must',
    advice: 'Verify the token. Answer 401 for every token that cannot be accepted, and 503 only while that cannot be found out.',
    run: async (context) => {
      await context.refusal()
      const { status } = await context.garbage()
      return status === 401 ? pass() : fail(`answered ${status}`)
    }
  },
  {
    id: 'token-garbage-error',
    title: 'The challenge to a bad token says invalid_token',
    clause: 'RFC 6750 §3, §3.1',
    severity: 'should',
    advice: 'Add error="invalid_token": it is how clients know that they have to get another token.',
    run: async (context) => {
      await context.refusal()
      const answer = await context.garbage()
      if (answer.status !== 401) return skip('a bad token is not answered 401')
      const error = challengeError(answer)
      return error === 'invalid_token' ? pass() : warn(error === undefined ? 'there is no error' : `error=${quote(error)}`)
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
      const { status } = await context.post(HARMLESS, { authorization: [`Basic ${btoa('postern:doctor')}`] })
      return status === 401 ? pass() : fail(`answered ${status}`)
    }
  },
  {
    id: 'query-token',
    title: 'A token in the query is not a credential',
    clause: `${EVERY_REQUEST}; OAuth 2.1 draft-13 §5.1`,
    severity: 'must',
    advice: 'Read tokens from the Authorization header alone. URLs end up in logs, histories and Referer headers.',
    run: queryToken
  },
  {
    id: 'scheme-case',
    title: 'The scheme is recognised in lower case: "bearer"',
    clause: 'RFC 9110 §11.1',
    severity: 'must',
    advice: 'Compare the scheme without regard to letter case.',
    run: schemeCase
  }
]

function unauthenticated (method: 'GET' | 'HEAD' | 'DELETE'): Check<Context> {
  return {
    id: `${method.toLowerCase()}-unauthenticated`,
    title: `${method} without credentials is answered 401 (or 405)`,
    clause: EVERY_REQUEST,
    severity: 'must',
    advice: PROTECT,
    run: async (context) => {
      // A server that lets everybody in might do what it is told.
      if (method === 'DELETE') await context.refusal()
      const { status } = await context.ask({
        method,
        url: context.url.href,
        // Should anything be deleted after all, then a session that there is not.
        headers: [['Accept', 'text/event-stream'], ['MCP-Protocol-Version', MODERN], ...method === 'DELETE' ? [['Mcp-Session-Id', NO_SUCH] as const] : []]
      })
      return status === 401 || status === 405 ? pass(`${status}`) : fail(`answered ${status}`)
    }
  }
}

async function challengeSyntax (context: Context): Promise<Outcome> {
  const challenges = readChallenges(await context.refusal())
  if (challenges.kind === 'absent') return fail('there is no WWW-Authenticate')
  if (challenges.kind === 'malformed') return fail(`cannot be parsed: ${quote(challenges.value)}`)
  const { bearer: [bearer, ...more], others } = challenges
  if (bearer === undefined) return fail(`no Bearer challenge, only ${quote(others.join(', '))}`)
  if (more.length > 0) return fail(`${more.length + 1} Bearer challenges`)
  if (bearer.repeated.length > 0) return fail(`more than once: ${quote(bearer.repeated.join(', '))}`)
  return others.length === 0 ? pass() : pass(`besides ${quote(others.join(', '))}`)
}

/** A server that answers a token in the query as it answers a bad token has read it; no live token needs to be risked for that. */
async function queryToken (context: Context): Promise<Outcome> {
  const bareError = challengeError(await context.refusal())
  const { url } = context
  const answer = await context.post(HARMLESS, { url: `${url.href}${url.search === '' ? '?' : '&'}access_token=${GARBAGE_TOKEN}` })
  if (isSuccess(answer)) return fail(`answered ${answer.status}`)
  if (answer.status !== 401) return pass(`${answer.status}`)
  const garbageError = challengeError(await context.garbage())
  if (garbageError === bareError) return skip('the server answers a bad token and none alike, so that it cannot be told')
  return challengeError(answer) === garbageError ? fail(`refused as a bad token is (error=${quote(garbageError)}), so it was read`) : pass('ignored')
}

async function schemeCase (context: Context): Promise<Outcome> {
  const session = await context.session().catch((error: unknown) => {
    if (error instanceof NotApplicable) return undefined
    throw error
  })
  if (session !== undefined) {
    const answer = await context.post(session.harmless, { authorization: [`bearer ${context.token}`] })
    return isSuccess(answer) ? pass() : fail(`answered ${answer.status}`)
  }
  const garbageError = challengeError(await context.garbage())
  if (garbageError === challengeError(await context.refusal())) return skip('the server answers a bad token and none alike; a good one tells: --token')
  const answer = await context.post(HARMLESS, { authorization: [`bearer ${GARBAGE_TOKEN}`] })
  return challengeError(answer) === garbageError ? pass() : fail(`a bad token is answered ${answer.status} ${quote(headerOf(answer, 'www-authenticate'))}, as if there were none`)
}
