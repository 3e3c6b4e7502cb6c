import t, { type Test } from 'tap'
import { AuthorizationServerUnavailable, InvalidToken } from '../../src/oauth/failures.js'
import { type Route, sendJson } from '../helpers/issuer.js'
import { createSigningKey, forgeToken } from '../helpers/keys.js'
import { until } from '../helpers/until.js'
import { type Overrides, type Setup, startVerifier, type VerifierScene } from './setup.js'

const MINUTE = 60_000

/** Tokens that outlive every test, so that only keys decide. */
const lifetimeSeconds = 90 * 86_400

function start (t: Test, overrides: Overrides = {}): Promise<VerifierScene> {
  return startVerifier(t, { ...overrides, issuer: { lifetimeSeconds, ...overrides.issuer } })
}

async function outcome (promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => 'accepted', (error: unknown) => {
    if (error instanceof InvalidToken) return 'invalid'
    if (error instanceof AuthorizationServerUnavailable) return 'unavailable'
    throw error
  })
}

async function failureOf (promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => 'accepted', (error: unknown) => error)
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
  const outcomes = async (): Promise<ReadonlySet<string>> =>
    new Set(await Promise.all(junk.map((token) => outcome(verifier.verify(token)))))
  t.same(await outcomes(), new Set(['invalid']))
  t.equal(issuer.count('/jwks'), 2)
  clock.advance(29_000)
  t.same(await outcomes(), new Set(['unavailable']), 'nothing can be said within the cooldown')
  t.match(await failureOf(verifier.verify(junk[0] as string)), { retryAfterSeconds: 1 })
  t.equal(issuer.count('/jwks'), 2, 'none within the cooldown, at once or one after the other')
  clock.advance(1_000)
  t.same(await outcomes(), new Set(['invalid']))
  t.equal(issuer.count('/jwks'), 3)
  t.equal(issuer.count('/.well-known/oauth-authorization-server'), 1, 'the metadata is not asked for again')
})

t.test('A5, A6: junk just before a rotation does not make genuine tokens of the new key invalid', async (t) => {
  for (const kid of ['junk', undefined]) {
    const { issuer, verifier, clock } = await start(t)
    const old = await issuer.token()
    await verifier.verify(old)
    const junk = await (await createSigningKey('ES256', 'x')).sign({ iss: issuer.issuer }, { kid })
    t.equal(await outcome(verifier.verify(junk)), 'invalid')
    await issuer.rotate('second')
    const token = await issuer.token({}, kid === undefined ? { kid } : {})
    clock.advance(10_000)
    t.match(await failureOf(verifier.verify(token)), { name: 'AuthorizationServerUnavailable', retryAfterSeconds: 20 })
    clock.advance(20_000)
    t.equal(await outcome(verifier.verify(token)), 'accepted')
    t.equal(await outcome(verifier.verify(old)), 'invalid', 'its key is known to be withdrawn, also within the pause')
    t.equal(issuer.count('/jwks'), 3)
  }
})

t.test('junk without kid causes no more refetches than junk with one', async (t) => {
  const { issuer, verifier } = await start(t)
  const stranger = await createSigningKey('ES256', 'x')
  const junk = await Promise.all(Array.from({ length: 20 }, () => stranger.sign({ iss: issuer.issuer, sub: 'm' }, { kid: undefined })))
  await Promise.allSettled(junk.map((token) => verifier.verify(token)))
  for (const token of junk) t.equal(await outcome(verifier.verify(token)), 'unavailable')
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

t.test('A5: a key set without a usable key is a failed fetch: the last good keys stay in use', async (t) => {
  const rsa = await createSigningKey('RS256', 'rsa')
  const symmetric = { kty: 'oct', k: 'AAAA' }
  const sets = [[], [{ ...rsa.jwk, use: 'enc' }], [{ kid: 'nothing' }], [null], [symmetric]]
  for (const keys of sets) {
    const scene = await start(t, { server: { tokenCacheSeconds: 0 } })
    const { issuer, verifier, clock, log, authorizationServers: [authorizationServer] } = scene
    const token = await issuer.token()
    await verifier.verify(token)
    const published = issuer.keys
    issuer.keys = [...keys]
    clock.advance(15 * MINUTE)
    const junk = await rsa.sign({ iss: issuer.issuer })
    t.equal(await outcome(verifier.verify(token)), 'accepted', JSON.stringify(keys))
    t.equal(await outcome(verifier.verify(junk)), 'unavailable')
    t.equal(authorizationServer?.state(), 'stale')
    t.match(log.lines.join(), /returned no usable key/)
    issuer.keys = published
    clock.advance(30_000)
    t.equal(await outcome(verifier.verify(junk)), 'invalid', 'repaired')
    t.equal(authorizationServer?.state(), 'fresh')
  }
})

t.test('A5, A6: a key set without a usable key at the start: unavailable, and not for longer than the fault', async (t) => {
  for (const introspection of [undefined, { clientId: 'a', clientSecret: 'b', cacheSeconds: 0 }]) {
    const scene = await start(t, { as: introspection === undefined ? {} : { introspection } })
    const { issuer, verifier, clock, authorizationServers: [authorizationServer] } = scene
    const published = issuer.keys
    issuer.keys = []
    const token = await issuer.token()
    t.equal(await outcome(verifier.verify(token)), 'unavailable')
    t.equal(authorizationServer?.state(), 'never')
    issuer.keys = published
    clock.advance(2_000)
    t.equal(await outcome(verifier.verify(token)), 'accepted')
  }
})

t.test('A5: metadata that loses its jwks_uri does not revoke the keys of a server with introspection', async (t) => {
  const introspection = { clientId: 'a', clientSecret: 'b', cacheSeconds: 0 }
  const { issuer, verifier, clock } = await start(t, {
    server: { tokenCacheSeconds: 0 }, as: { introspection }
  })
  const token = await issuer.token()
  await verifier.verify(token)
  issuer.metadata = { issuer: issuer.issuer }
  issuer.routes.delete('/jwks')
  clock.advance(15 * MINUTE)
  t.equal(await outcome(verifier.verify(token)), 'accepted')
})

t.test('A5: keys that have moved are found through the metadata at once, within its own cooldown', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 0 } })
  const metadata = (): number => issuer.count('/.well-known/oauth-authorization-server')
  await verifier.verify(await issuer.token())
  const route = issuer.routes.get('/jwks') as Route
  issuer.routes.delete('/jwks')
  issuer.routes.set('/keys', route)
  issuer.metadata = { ...issuer.metadata, jwks_uri: `${issuer.origin}/keys` }
  await issuer.rotate('second')
  t.equal(await outcome(verifier.verify(await issuer.token())), 'accepted')
  t.equal(metadata(), 2)

  issuer.routes.delete('/keys')
  for (let i = 0; i < 3; i++) {
    clock.advance(10_000)
    await outcome(verifier.verify(await issuer.token({}, { kid: `unknown-${i}` })))
  }
  t.equal(issuer.count('/keys'), 2)
  t.equal(metadata(), 3, 'once per failed fetch of the keys, and that has its cooldown')
})

t.test('A5: a key set is asked for under both media types', async (t) => {
  const { issuer, verifier } = await start(t)
  const route = issuer.routes.get('/jwks') as Route
  issuer.routes.set('/jwks', (request, response) => {
    if (/(^|, ?)application\/jwk-set\+json(,|$)/.test(request.headers.accept ?? '')) route(request, response)
    else sendJson(response, {}, 406)
  })
  t.equal(await outcome(verifier.verify(await issuer.token())), 'accepted')
  issuer.routes.set('/jwks', (request, response) => {
    if (/(^|, ?)application\/json(;q=0\.\d+)?(,|$)/.test(request.headers.accept ?? '')) route(request, response)
    else sendJson(response, {}, 406)
  })
  await issuer.rotate('second')
  t.equal(await outcome(verifier.verify(await issuer.token())), 'accepted')
})

t.test('A6: the tokens that wait for keys are limited, and remembered ones never wait', async (t) => {
  const { issuer, verifier, clock } = await start(t, { server: { tokenCacheSeconds: 3_600 } })
  const remembered = await issuer.token()
  await verifier.verify(remembered)
  const held: (() => void)[] = []
  const route = issuer.routes.get('/jwks') as Route
  issuer.routes.set('/jwks', (request, response) => { held.push(() => route(request, response)) })
  clock.advance(30_000)
  const outcomes: string[] = []
  const waiting = Array.from({ length: 1_100 }, async (_, i) => {
    const junk = forgeToken({ alg: 'ES256', kid: `junk-${i}` }, { iss: issuer.issuer }, new Uint8Array(64))
    outcomes.push(await outcome(verifier.verify(junk)))
  })
  await until(() => outcomes.length === 1_100 - 1_024 && held.length === 1, 'those beyond the limit are refused at once')
  t.same(new Set(outcomes), new Set(['unavailable']))
  t.equal(await outcome(verifier.verify(remembered)), 'accepted')
  t.equal(await outcome(verifier.verify(await issuer.token({ jti: 'new' }))), 'accepted', 'keys that are known are used')
  held.forEach((release) => release())
  await Promise.all(waiting)
  t.equal(outcomes.filter((one) => one === 'invalid').length, 1_024)
})

t.test('of a huge key set a hundred keys are used', async (t) => {
  const { issuer, verifier, log } = await start(t)
  issuer.keys = [...Array.from({ length: 100 }, (_, i) => ({ ...issuer.key.jwk, kid: `k${i}` })), issuer.key.jwk]
  t.equal(await outcome(verifier.verify(await issuer.token({}, { kid: 'k99' }))), 'accepted')
  t.equal(await outcome(verifier.verify(await issuer.token())), 'invalid')
  t.match(log.lines.join(), /more than 100 keys/)
})
