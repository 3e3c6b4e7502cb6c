import t, { type Test } from 'tap'
import { AuthorizationServerUnavailable, InvalidToken } from '../../src/oauth/failures.js'
import type { AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import type { ServerConfig } from '../../src/options/server.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { createSigningKey, type SigningKey } from '../helpers/keys.js'
import { until } from '../helpers/until.js'
import { authorizationServerConfig, serverConfig, type Setup, setUp, START } from './setup.js'

const MINUTE = 60_000

interface Scene extends Setup {
  readonly issuer: TestIssuer
  readonly clock: TestClock
}

async function start (
  t: Test,
  overrides: {
    server?: Partial<ServerConfig>,
    as?: Partial<AuthorizationServerConfig>,
    timeoutMs?: number,
    key?: SigningKey
  } = {}
): Promise<Scene> {
  const clock = createTestClock(START)
  const issuer = await startIssuer(t, {
    now: clock.now,
    ...(overrides.key === undefined ? {} : { key: overrides.key })
  })
  // Tokens that outlive every test, so that only keys decide.
  const token = issuer.token.bind(issuer)
  issuer.token = (claims, header) => token({ exp: clock.now() / 1000 + 90 * 86_400, ...claims }, header)
  const server = serverConfig([authorizationServerConfig(issuer.issuer, overrides.as)], overrides.server)
  return { ...setUp(server, clock, overrides.timeoutMs), issuer, clock }
}

async function outcome (promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => 'accepted', (error: unknown) => {
    if (error instanceof InvalidToken) return 'invalid'
    if (error instanceof AuthorizationServerUnavailable) return 'unavailable'
    throw error
  })
}

t.test('keys are fetched once for many tokens', async (t) => {
  const { issuer, verifier } = await start(t)
  const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => issuer.token({ jti: String(i) })))
  await Promise.all(tokens.map((token) => verifier.verify(token)))
  t.equal(issuer.count('/jwks'), 1)
  t.equal(issuer.requests.length, 2, 'and the metadata once')
})

t.test('A5: a token signed with a new key is accepted at once', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  await verifier.verify(await issuer.token())
  clock.advance(1_000)
  await issuer.rotate('second')
  await t.resolves(verifier.verify(await issuer.token()))
  t.equal(issuer.count('/jwks'), 2)
})

t.test('A5: 1000 tokens with unknown keys cause one refetch per cooldown', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  await verifier.verify(await issuer.token())
  const stranger = await createSigningKey('ES256', 'x')
  const junk = await Promise.all(Array.from({ length: 1_000 }, (_, i) =>
    stranger.sign({ iss: issuer.issuer, sub: 'm' }, { kid: `unknown-${i}` })))
  const refused = async (): Promise<void> => {
    const results = await Promise.allSettled(junk.map((token) => verifier.verify(token)))
    t.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof InvalidToken))
  }
  await refused()
  t.equal(issuer.count('/jwks'), 2)
  clock.advance(29_000)
  await refused()
  for (const token of junk.slice(0, 20)) await t.rejects(verifier.verify(token), InvalidToken)
  t.equal(issuer.count('/jwks'), 2, 'none within the cooldown, at once or one after the other')
  clock.advance(1_000)
  await refused()
  t.equal(issuer.count('/jwks'), 3)
  t.equal(issuer.count('/.well-known/oauth-authorization-server'), 1, 'the metadata is not asked for again')
})

t.test('junk without kid causes no more refetches than junk with one', async (t) => {
  const { issuer, verifier } = await start(t)
  const stranger = await createSigningKey('ES256', 'x')
  const junk = await Promise.all(Array.from({ length: 20 }, () => stranger.sign({ iss: issuer.issuer, sub: 'm' }, { kid: undefined })))
  await Promise.allSettled(junk.map((token) => verifier.verify(token)))
  for (const token of junk) await t.rejects(verifier.verify(token), InvalidToken)
  t.equal(issuer.count('/jwks'), 2)
})

t.test('a bad signature under a known kid causes no refetch', async (t) => {
  const { issuer, verifier } = await start(t)
  const stranger = await createSigningKey('ES256', 'first')
  await t.rejects(verifier.verify(await stranger.sign({ iss: issuer.issuer })), InvalidToken)
  t.equal(issuer.count('/jwks'), 1)
})

t.test('an authorization server without kids can rotate its key', async (t) => {
  const { issuer, verifier } = await start(t)
  const withoutKid = ({ kid, ...jwk }: Record<string, unknown>): Record<string, unknown> => jwk
  issuer.keys = [withoutKid(issuer.key.jwk)]
  await t.resolves(verifier.verify(await issuer.token({}, { kid: undefined })))
  await issuer.rotate('second')
  issuer.keys = [withoutKid(issuer.key.jwk)]
  await t.resolves(verifier.verify(await issuer.token({}, { kid: undefined })))
  t.equal(issuer.count('/jwks'), 2)
})

t.test('a removed key is out of use when the keys are fetched again, at the latest after 15 minutes', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 0 } })
  const old = await issuer.token()
  await verifier.verify(old)
  await issuer.rotate('second')
  clock.advance(10 * MINUTE - 1_000)
  t.equal(await outcome(verifier.verify(old)), 'accepted')
  t.equal(issuer.count('/jwks'), 1, 'not asked for before ten minutes')
  clock.advance(1_000)
  t.equal(await outcome(verifier.verify(old)), 'accepted', 'refreshed in the background')
  await until(() => issuer.count('/jwks') === 2, 'the key set is fetched again')
  await settleInvalid(t, verifier, old)

  const third = await start(t, { server: { tokenCacheSeconds: 0 } })
  const token = await third.issuer.token()
  await third.verifier.verify(token)
  await third.issuer.rotate('second')
  third.clock.advance(15 * MINUTE)
  t.equal(await outcome(third.verifier.verify(token)), 'invalid', 'waited for, when nobody asked for so long')
})

async function settleInvalid (t: Test, verifier: Setup['verifier'], token: string): Promise<void> {
  let result = 'accepted'
  await until(async () => (result = await outcome(verifier.verify(token))) !== 'accepted', 'the token is not accepted')
  t.equal(result, 'invalid')
}

t.test('a remembered token is dropped when its key leaves the key set', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 3_600 } })
  const first = await issuer.token()
  const principal = await verifier.verify(first)
  const kept = issuer.key
  await issuer.rotate('second')
  const second = await issuer.token()
  issuer.keys = [kept.jwk, issuer.key.jwk]
  await verifier.verify(second)
  t.equal(await verifier.verify(first), principal, 'still remembered, for its key is still there')
  clock.advance(30_000)
  issuer.keys = [issuer.key.jwk]
  await t.rejects(verifier.verify(await (await createSigningKey('ES256', 'x')).sign({ iss: issuer.issuer })), InvalidToken)
  t.equal(await outcome(verifier.verify(first)), 'invalid')
  t.equal(await outcome(verifier.verify(second)), 'accepted')
})

t.test('the use of remembered tokens is enough to keep the keys fresh', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 86_400 } })
  const token = await issuer.token()
  await verifier.verify(token)
  await issuer.rotate('second')
  clock.advance(10 * MINUTE)
  await verifier.verify(token)
  await until(() => issuer.count('/jwks') === 2, 'the key set is fetched again')
  await settleInvalid(t, verifier, token)
})

t.test('A5: one unusable key does not cost the others', async (t) => {
  const { issuer, verifier, log } = await start(t)
  const rsa = await createSigningKey('RS256', 'rsa')
  issuer.keys = [
    { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'short', alg: 'EdDSA', use: 'sig' },
    { kty: 'OKP', crv: 'Ed448', x: 'AAAA', kid: 'ed448' },
    { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'off-curve' },
    { kty: 'EC', crv: 'P-256K', x: 'AAAA', y: 'AAAA', kid: 'curve' },
    { kty: 'RSA', kid: 'empty' },
    { kty: 'RSA', n: 7, e: [], kid: 'types' },
    { kty: 'RSA', n: Buffer.alloc(64, 0xff).toString('base64url'), e: 'AQAB', kid: 'small' },
    { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA', kid: 'later' },
    { kty: 'oct', k: 'AAAA', kid: 'oct' },
    { kid: 'nothing' },
    { ...rsa.jwk, kid: 7 },
    null, 'key', 1, [],
    { ...issuer.key.jwk }
  ]
  t.equal(await outcome(verifier.verify(await issuer.token())), 'accepted')
  const line = log.lines.find((line) => line.includes('cannot be used')) ?? ''
  for (const kid of ['short', 'ed448', 'off-curve', 'curve', 'empty', 'types', 'small']) t.match(line, kid, `${kid} is named in the log`)
})

t.test('a document that is not a key set is a failed fetch', async (t) => {
  for (const document of [{}, { keys: {} }, { keys: null }, []]) {
    const { issuer, verifier } = await start(t)
    issuer.routes.set('/jwks', (_request, response) => sendJson(response, document))
    t.equal(await outcome(verifier.verify(await issuer.token())), 'unavailable', JSON.stringify(document))
  }
})

t.test('an empty key set revokes every key', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 0 } })
  const token = await issuer.token()
  await verifier.verify(token)
  issuer.keys = []
  clock.advance(15 * MINUTE)
  t.equal(await outcome(verifier.verify(token)), 'invalid')
})

t.test('of a huge key set a hundred keys are used', async (t) => {
  const { issuer, verifier, log } = await start(t)
  issuer.keys = [...Array.from({ length: 100 }, (_, i) => ({ ...issuer.key.jwk, kid: `k${i}` })), issuer.key.jwk]
  t.equal(await outcome(verifier.verify(await issuer.token({}, { kid: 'k99' }))), 'accepted')
  t.equal(await outcome(verifier.verify(await issuer.token())), 'invalid')
  t.match(log.lines.join(), /more than 100 keys/)
})
