import { audienceOf, breakSignature, decodeToken, removeSignature } from './access-token.js'
import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { issuersOf } from './checks-metadata.js'
import { GARBAGE_TOKEN, HARMLESS, type Context } from './context.js'
import { isSuccess } from './exchange.js'
import { readRpc } from './messages.js'
import { quote } from './quote.js'
import { challengeError } from './www-authenticate.js'

const TOKEN_HANDLING = mcp('basic/authorization', 'Access Token Usage, Token Handling')

/** Algorithms whose signatures only the holder of a private key can make. */
const ASYMMETRIC = /^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/
const ACCESS_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash']
const LONG_SECONDS = 24 * 3600

/** What is in the access token, and what the server makes of it. */
export const tokenChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'token-algorithm',
    title: 'The token is signed with a private key',
    clause: 'RFC 9068 §2.1; RFC 8725 §3.1, §3.2',
    severity: 'must',
    advice: 'Let the authorization server sign with RS, PS or ES 256 to 512 or Ed25519. Whoever can check an HMAC can forge it.',
    run: (context) => {
      const { alg } = context.decoded().header
      return typeof alg === 'string' && ASYMMETRIC.test(alg) ? pass(alg) : fail(`alg ${quote(alg)}`)
    }
  },
  {
    id: 'token-kind',
    title: 'The token is an access token',
    clause: 'RFC 9068 §2.1, §5; RFC 8725 §3.11',
    severity: 'must',
    advice: 'Use the access_token of the token response, not the id_token: that one is meant for the client.',
    run: tokenKind
  },
  {
    id: 'token-audience',
    title: 'The token is for this resource',
    clause: `${TOKEN_HANDLING}; RFC 8707 §2`,
    severity: 'must',
    advice: 'Let the authorization server put the resource identifier into aud: support the resource parameter, or configure this audience for the API. A server whose authorization server uses other names (client ids, GUIDs) must be configured to accept exactly those.',
    run: tokenAudience
  },
  {
    id: 'token-issuer',
    title: 'The token is from an authorization server that the metadata names',
    clause: `${TOKEN_HANDLING}; RFC 9068 §4`,
    severity: 'should',
    advice: 'Name in "authorization_servers" whoever issues the tokens, with the same spelling as their iss.',
    run: tokenIssuer
  },
  {
    id: 'token-lifetime',
    title: 'The token expires, and within a day',
    clause: `RFC 9068 §2.2; ${mcp('basic/authorization/security-considerations', 'Token Theft')}`,
    severity: 'must',
    advice: 'Issue tokens with exp, for minutes rather than days: until then a stolen one is as good as the real one.',
    run: tokenLifetime
  },
  {
    id: 'token-accepted',
    title: 'The server accepts the token',
    clause: mcp('basic/authorization', 'Access Token Usage, Token Requirements'),
    severity: 'must',
    advice: 'Look into the server\'s log for the reason. The usual ones: another audience, another spelling of the issuer, keys that the server cannot fetch, a clock that is off.',
    run: tokenAccepted
  },
  {
    id: 'token-altered',
    title: 'The token with another signature is answered 401',
    clause: `${TOKEN_HANDLING}; RFC 9068 §4`,
    severity: 'must',
    advice: 'Verify the signature. Decoding a token is not verifying it.',
    run: async (context) => {
      await context.session()
      return expectRefused(context, breakSignature(context.token ?? ''))
    }
  },
  {
    id: 'token-unsigned',
    title: 'The token with alg "none" is answered 401',
    clause: 'RFC 8725 §2.1, §3.1; RFC 9068 §4',
    severity: 'must',
    advice: 'Accept a fixed list of algorithms, never the one that the token names.',
    run: async (context) => {
      await context.session()
      return expectRefused(context, removeSignature(context.decoded(), context.token ?? ''))
    }
  },
  {
    id: 'token-other-audience',
    title: 'A token for another resource is answered 401',
    clause: mcp('basic/authorization/security-considerations', 'Access Token Privilege Restriction'),
    severity: 'must',
    advice: 'Compare aud with the identifiers of this server, and refuse every other token: otherwise any service that gets tokens of the same users can use them here.',
    run: async (context) => {
      const { otherToken } = context
      if (otherToken === undefined) return skip('needs a token of the same authorization server for another resource: --other-token')
      if (isPast(otherToken, context)) return skip('the token given with --other-token has expired')
      const audience = audienceOf(decodeToken(otherToken)?.claims ?? {})
      if ((await identifiersOf(context)).some((identifier) => audience.includes(identifier))) return skip('the token given with --other-token is for this resource')
      return expectRefused(context, otherToken)
    }
  },
  {
    id: 'two-authorization-headers',
    title: 'Two Authorization headers are refused, in either order',
    clause: 'RFC 9110 §5.3; RFC 6750 §2, §3.1 (invalid_request)',
    severity: 'should',
    advice: 'Look at the raw header lines and answer 400 when there are two: what stands before the server may have looked at the other one.',
    run: twoHeaders
  }
]

async function expectRefused (context: Context, token: string): Promise<Outcome> {
  await context.refusal()
  const { status } = await context.post(HARMLESS, { authorization: [`Bearer ${token}`] })
  return status === 401 ? pass() : fail(`answered ${status}`)
}

function tokenKind (context: Context): Outcome {
  const { header, claims } = context.decoded()
  const { typ } = header
  const marks = ID_TOKEN_CLAIMS.filter((name) => Object.hasOwn(claims, name))
  if (marks.length > 0 || claims['token_use'] === 'id' || claims['typ'] === 'ID') return fail(`it is an ID token: ${quote(marks.join(', ') || 'token_use or typ')}`)
  return ACCESS_TOKEN_TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ) ? pass(`typ ${quote(typ)}`) : fail(`typ ${quote(typ)}`)
}

/** Names under which a token can be for this resource; a resource without a path has two (MCP basic/authorization, Canonical Server URI). */
async function identifiersOf (context: Context): Promise<readonly string[]> {
  const published = (await context.metadata()).used?.document['resource']
  const names = [context.identifier, ...typeof published === 'string' ? [published] : []]
  return [...new Set(names.flatMap((name) => /^https?:\/\/[^/?#]+\/?$/.test(name) ? [name.replace(/\/$/, ''), name.replace(/\/?$/, '/')] : [name]))]
}

async function tokenAudience (context: Context): Promise<Outcome> {
  const { claims } = context.decoded()
  const audience = audienceOf(claims)
  const identifiers = await identifiersOf(context)
  if (identifiers.some((identifier) => audience.includes(identifier))) return pass(quote(audience.join(' ')))
  if (audience.length === 0) return warn('it has no aud, so that only its client_id can tell where it belongs')
  const others = audience.filter((value) => /^https?:/i.test(value))
  // GUIDs, client ids and API names mean what the authorization server and the resource server agree on.
  return others.length === 0 ? warn(`it is for ${quote(audience.join(' '))}`) : fail(`it is for ${quote(audience.join(' '))}`)
}

async function tokenIssuer (context: Context): Promise<Outcome> {
  const { iss } = context.decoded().claims
  const { used } = await context.metadata()
  if (used === undefined) return skip('there is no protected resource metadata')
  return issuersOf(used.document).some((issuer) => issuer === iss) ? pass(quote(iss)) : warn(`iss ${quote(iss)}`)
}

function tokenLifetime (context: Context): Outcome {
  const { exp, iat, nbf } = context.decoded().claims
  const now = Math.floor(context.now() / 1000)
  if (typeof exp !== 'number') return fail('it has no exp')
  const early = [iat, nbf].find((time) => typeof time === 'number' && time > now)
  if (typeof early === 'number') return warn(`it is good only in ${early - now} s: compare the clocks`)
  if (exp <= now) return skip(`it expired ${now - exp} s ago`)
  const seconds = exp - (typeof iat === 'number' ? iat : now)
  return seconds > LONG_SECONDS ? warn(`it is good for ${Math.round(seconds / 3600)} h`) : pass(`${seconds} s`)
}

async function tokenAccepted (context: Context): Promise<Outcome> {
  const attempt = await context.tokenAttempt()
  const isExpired = isPast(context.token ?? '', context)
  if (attempt.kind === 'open') {
    if (isExpired) return fail('it has expired, and is accepted all the same')
    return pass(attempt.legacy === undefined ? 'revision 2026-07-28' : `revision ${attempt.legacy.version}`)
  }
  if (attempt.kind === 'refused') {
    return isExpired ? skip('it has expired, and is refused as it must be') : fail(`answered 401, error=${quote(challengeError(attempt.answer))}`)
  }
  const rpc = readRpc(attempt.answer)
  return fail(`neither server/discover nor initialize has a result: the last answer is ${attempt.answer.status}${rpc?.kind === 'error' ? ` with JSON-RPC error ${quote(rpc.code)}` : ''}`)
}

function isPast (token: string, { now }: Context): boolean {
  const { exp } = decodeToken(token)?.claims ?? {}
  return typeof exp === 'number' && exp * 1000 <= now()
}

async function twoHeaders (context: Context): Promise<Outcome> {
  const { harmless } = await context.session()
  await context.refusal()
  const credentials = [`Bearer ${context.token}`, `Bearer ${GARBAGE_TOKEN}`]
  if (isSuccess(await context.post(harmless, { authorization: credentials }))) return warn('the first one counts')
  if (isSuccess(await context.post(harmless, { authorization: [...credentials].reverse() }))) return warn('the last one counts')
  return pass()
}
