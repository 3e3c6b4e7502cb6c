import { audienceOf, breakSignature, decodeToken, removeSignature } from './access-token.js'
import { expectUnauthorized, fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { issuersOf } from './find-metadata.js'
import { GARBAGE_TOKEN, HARMLESS, type Context } from './context.js'
import { isSuccess } from './exchange.js'
import { MODERN, readRpc } from './messages.js'
import { quote } from './quote.js'
import { challengeError } from './www-authenticate.js'

const TOKEN_HANDLING = mcp('basic/authorization', 'Access Token Usage, Token Handling')

/** Algorithms whose signatures only the holder of a private key can make. */
const ASYMMETRIC = /^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/
const ACCESS_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash']
const LONG_SECONDS = 24 * 3600

/** Checks of what the access token says, and of what the server does with it. */
export const tokenChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'token-algorithm',
    title: 'The token is signed with a private key',
    clause: 'RFC 9068 §2.1; RFC 8725 §3.1, §3.2',
    severity: 'must',
    advice: 'Let the authorization server sign with RS, PS or ES 256 to 512 or Ed25519. Everybody who can ' +
      'verify an HMAC can forge it.',
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
    advice: 'Use the access_token of the token response. The id_token is meant for the client.',
    run: examineKind
  },
  {
    id: 'token-audience',
    title: 'The token is for this resource',
    clause: `${TOKEN_HANDLING}; RFC 8707 §2`,
    severity: 'must',
    advice: 'Let the authorization server put the resource identifier into aud: switch on the resource ' +
      'parameter, or configure this audience for the API. If the authorization server uses other names ' +
      '(client ids, GUIDs), configure the server to accept exactly those.',
    run: examineAudience
  },
  {
    id: 'token-issuer',
    title: 'The token is from an authorization server that the metadata names',
    clause: `${TOKEN_HANDLING}; RFC 9068 §4`,
    severity: 'should',
    advice: 'Name in "authorization_servers" the issuers of the tokens, spelled as in the tokens\' iss.',
    run: examineIssuer
  },
  {
    id: 'token-lifetime',
    title: 'The token expires, and within a day',
    clause: `RFC 9068 §2.2; ${mcp('basic/authorization/security-considerations', 'Token Theft')}`,
    severity: 'must',
    advice: 'Issue tokens with exp, for minutes rather than days: a stolen token works until it expires.',
    run: examineLifetime
  },
  {
    id: 'token-accepted',
    title: 'The server accepts the token',
    clause: mcp('basic/authorization', 'Access Token Usage, Token Requirements'),
    severity: 'must',
    advice: 'Look into the server\'s log for the reason. Usual ones: another audience, another spelling of ' +
      'the issuer, keys that the server cannot fetch, a clock that is off.',
    run: examineAcceptance
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
    advice: 'Compare aud with the identifiers of this server, and refuse every other token. Otherwise any ' +
      'service that gets tokens of the same users can use them here.',
    run: examineOtherAudience
  },
  {
    id: 'two-authorization-headers',
    title: 'Two Authorization headers are refused, in either order',
    clause: 'RFC 9110 §5.3; RFC 6750 §2, §3.1 (invalid_request)',
    severity: 'should',
    advice: 'Look at the raw header lines and answer 400 when there are two: a proxy in front of the ' +
      'server may have looked at the other one.',
    run: examineTwoHeaders
  }
]

async function expectRefused (context: Context, token: string): Promise<Outcome> {
  await context.refusal()
  return expectUnauthorized(await context.post(HARMLESS, { authorization: [`Bearer ${token}`] }))
}

function examineKind (context: Context): Outcome {
  const { header: { typ }, claims } = context.decoded()
  const marks = ID_TOKEN_CLAIMS.filter((name) => Object.hasOwn(claims, name))
  if (marks.length > 0 || claims['token_use'] === 'id' || claims['typ'] === 'ID') {
    return fail(`it is an ID token: it has ${quote(marks.join(', ') || 'token_use or typ')}`)
  }
  const isAccessToken = ACCESS_TOKEN_TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ)
  return isAccessToken ? pass(`typ ${quote(typ)}`) : fail(`typ ${quote(typ)} (expected "at+jwt" or "JWT")`)
}

/**
 * Returns the names under which a token can be for this resource. A resource without a path has two:
 * with a slash at the end and without (MCP basic/authorization, Canonical Server URI).
 */
async function identifiersOf (context: Context): Promise<readonly string[]> {
  const published = (await context.metadata()).used?.document['resource']
  const names = [context.identifier, ...typeof published === 'string' ? [published] : []]
  return [...new Set(names.flatMap((name) => {
    const isRoot = /^https?:\/\/[^/?#]+\/?$/.test(name)
    return isRoot ? [name.replace(/\/$/, ''), name.replace(/\/?$/, '/')] : [name]
  }))]
}

async function examineAudience (context: Context): Promise<Outcome> {
  const audience = audienceOf(context.decoded().claims)
  if (await isForThisResource(context, audience)) return pass(quote(audience.join(' ')))
  if (audience.length === 0) return warn('it has no aud: only its client_id can tell what it is for')
  const seen = `it is for ${quote(audience.join(' '))} (expected ${quote(context.identifier)})`
  // GUIDs, client ids and API names mean what the authorization server and the resource server agree on.
  return audience.some((value) => /^https?:/i.test(value)) ? fail(seen) : warn(seen)
}

async function isForThisResource (context: Context, audience: readonly string[]): Promise<boolean> {
  return (await identifiersOf(context)).some((identifier) => audience.includes(identifier))
}

async function examineIssuer (context: Context): Promise<Outcome> {
  const { iss } = context.decoded().claims
  const { used } = await context.metadata()
  if (used === undefined) return skip('there is no protected resource metadata')
  const issuers = issuersOf(used.document)
  if (issuers.some((issuer) => issuer === iss)) return pass(quote(iss))
  return warn(`iss is ${quote(iss)} (expected one of ${quote(issuers.join(' '))})`)
}

function examineLifetime (context: Context): Outcome {
  const { exp, iat, nbf } = context.decoded().claims
  const now = Math.floor(context.now() / 1000)
  if (typeof exp !== 'number') return fail('it has no exp')
  const early = [iat, nbf].find((time) => typeof time === 'number' && time > now)
  if (typeof early === 'number') return warn(`it becomes good in ${early - now} s: compare the clocks`)
  if (exp <= now) return skip(`it expired ${now - exp} s ago`)
  const seconds = exp - (typeof iat === 'number' ? iat : now)
  if (seconds > LONG_SECONDS) return warn(`it is good for ${Math.round(seconds / 3600)} h`)
  return pass(`${seconds} s`)
}

async function examineAcceptance (context: Context): Promise<Outcome> {
  const attempt = await context.tokenAttempt()
  const isExpired = isPast(context.token ?? '', context)
  if (attempt.kind === 'open') {
    return isExpired
      ? fail('it has expired, and the server accepts it')
      : pass(`revision ${attempt.legacy?.version ?? MODERN}`)
  }
  if (attempt.kind === 'refused') {
    return isExpired
      ? skip('it has expired, and the server refuses it, as it must')
      : fail(`answered 401, error=${quote(challengeError(attempt.response))}`)
  }
  const rpc = readRpc(attempt.response)
  const error = rpc?.kind === 'error' ? ` with JSON-RPC error ${quote(rpc.code)}` : ''
  const { status } = attempt.response
  return fail(`neither server/discover nor initialize has a result: the latter is answered ${status}${error}`)
}

function isPast (token: string, { now }: Context): boolean {
  const { exp } = decodeToken(token)?.claims ?? {}
  return typeof exp === 'number' && exp * 1000 <= now()
}

async function examineOtherAudience (context: Context): Promise<Outcome> {
  const { otherToken } = context
  if (otherToken === undefined) {
    return skip('needs a token of the same authorization server for another resource: --other-token')
  }
  if (isPast(otherToken, context)) return skip('the token given with --other-token has expired')
  const audience = audienceOf(decodeToken(otherToken)?.claims ?? {})
  if (await isForThisResource(context, audience)) {
    return skip('the token given with --other-token is for this resource')
  }
  return expectRefused(context, otherToken)
}

async function examineTwoHeaders (context: Context): Promise<Outcome> {
  const { harmless } = await context.session()
  await context.refusal()
  const credentials = [`Bearer ${context.token}`, `Bearer ${GARBAGE_TOKEN}`]
  if (isSuccess(await context.post(harmless, { authorization: credentials }))) {
    return warn('the server uses the first one')
  }
  if (isSuccess(await context.post(harmless, { authorization: [...credentials].reverse() }))) {
    return warn('the server uses the last one')
  }
  return pass()
}
