import t, { type Test } from 'tap'
import { createPublicKey, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { jwtVerify } from 'jose'
import { createAccessTokenVerifier } from '../../src/oauth/access-token.js'
import type { AuthorizationServer } from '../../src/oauth/authorization-server.js'
import { AuthorizationServerUnavailable, InvalidToken } from '../../src/oauth/failures.js'
import type { IntrospectionConfig } from '../../src/options/authorization-server.js'
import type { ServerConfig } from '../../src/options/server.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { AUDIENCE, type Route, sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { until } from '../helpers/until.js'
import { type Overrides, type Setup, setUp } from './setup.js'

interface Asked {
  readonly form: Record<string, string>
  readonly authorization: string | undefined
  readonly contentType: string | undefined
}

interface OpaqueIssuer extends TestIssuer {
  /** The response of introspection for each token. Every other token is not active. */
  readonly tokens: Map<string, unknown>
  readonly asked: Asked[]
}

const SECRET: IntrospectionConfig = { clientId: 'gateway', clientSecret: 's3cret', cacheSeconds: 20 }

async function startOpaqueIssuer (t: Test): Promise<OpaqueIssuer> {
  const issuer = await startIssuer(t)
  issuer.metadata = { issuer: issuer.issuer, introspection_endpoint: `${issuer.origin}/introspect` }
  const tokens = new Map<string, unknown>()
  const asked: Asked[] = []
  issuer.routes.set('/introspect', (request, response) => {
    text(request).then((body) => {
      const form = Object.fromEntries(new URLSearchParams(body))
      asked.push({ form, authorization: request.headers.authorization, contentType: request.headers['content-type'] })
      sendJson(response, tokens.get(form.token as string) ?? { active: false })
    }, () => response.destroy())
  })
  return Object.assign(issuer, { tokens, asked })
}

interface Scene extends Setup {
  readonly issuer: OpaqueIssuer
  readonly clock: TestClock
  readonly claims: Record<string, unknown>
}

async function start (
  t: Test, overrides: Pick<Overrides, 'server' | 'as'> = {}
): Promise<Scene> {
  const clock = createTestClock()
  const issuer = await startOpaqueIssuer(t)
  const config = authorizationServerConfig(issuer.issuer, { introspection: SECRET, ...overrides.as })
  const claims = { active: true, sub: 'alice', client_id: 'client-1', scope: 'todo:read', aud: AUDIENCE, exp: clock.now() / 1000 + 600 }
  issuer.tokens.set('good', claims)
  return { ...setUp(serverConfig([config], overrides.server), clock), issuer, clock, claims }
}

t.test('an opaque token is asked about, with the client secret', async (t) => {
  const { issuer, verifier, claims } = await start(t)
  const principal = await verifier.verify('good')
  t.match(principal, { issuer: issuer.issuer, subject: 'alice', clientId: 'client-1', expiresAt: claims.exp as number })
  t.same([...principal.scopes], ['todo:read'])
  t.same(issuer.asked, [{
    form: { token: 'good', token_type_hint: 'access_token' },
    authorization: `Basic ${Buffer.from('gateway:s3cret').toString('base64')}`,
    contentType: 'application/x-www-form-urlencoded;charset=UTF-8'
  }])
})

t.test('client id and secret are form-encoded before they are joined', async (t) => {
  const { issuer, verifier } = await start(t, { as: { introspection: { clientId: 'a:b c', clientSecret: 'ü%+&:', cacheSeconds: 0 } } })
  await verifier.verify('good')
  t.equal(issuer.asked[0]?.authorization, `Basic ${Buffer.from('a%3Ab+c:%C3%BC%25%2B%26%3A').toString('base64')}`)
})

t.test('with a private key the request carries a signed assertion for the issuer', async (t) => {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    EdDSA: generateKeyPairSync('ed25519')
  }
  for (const [alg, { privateKey }] of Object.entries(pairs)) {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const { issuer, verifier, clock } = await start(t, { as: { introspection: { clientId: 'gateway', privateKey: pem, cacheSeconds: 0 } } })
    await verifier.verify('good')
    await verifier.verify('good')
    t.equal(issuer.asked[0]?.authorization, undefined)
    t.equal(issuer.asked[0]?.form.client_assertion_type, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    const ids = new Set<unknown>()
    for (const { form } of issuer.asked) {
      const key = createPublicKey(createPrivateKey(pem))
      const { payload } = await jwtVerify(form.client_assertion as string, key, {
        algorithms: [alg],
        issuer: 'gateway',
        subject: 'gateway',
        audience: issuer.issuer,
        maxTokenAge: 60,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp', 'jti']
      })
      ids.add(payload.jti)
    }
    t.equal(ids.size, 2, 'no assertion is used twice')
  }
})

t.test('credentials that cannot be used stop the start', async (t) => {
  await t.rejects(start(t, { as: { introspection: { clientId: 'gateway', cacheSeconds: 0 } } }), /clientSecret or a privateKey/)
  await t.rejects(start(t, { as: { introspection: { clientId: 'gateway', privateKey: 'no PEM', cacheSeconds: 0 } } }))
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  await t.rejects(start(t, { as: { introspection: { clientId: 'gateway', privateKey: x25519, cacheSeconds: 0 } } }), /cannot sign/)
})

t.test('a token that is not active, or not said to be, is refused', async (t) => {
  const { issuer, verifier, claims } = await start(t)
  for (const active of [false, undefined, null, 'true', 1]) {
    issuer.tokens.set('other', { ...claims, active })
    await t.rejects(verifier.verify('other'), InvalidToken, String(active))
  }
})

t.test('A2: an active token has to meet what a JWT has to meet', async (t) => {
  const { issuer, verifier, claims, clock } = await start(t)
  const seconds = clock.now() / 1000
  const cases: [change: Record<string, unknown>, reason: RegExp][] = [
    [{ iss: 'https://other.example' }, /but iss is/],
    [{ iss: null }, /but iss is/],
    [{ aud: undefined }, /no audience/],
    [{ aud: 'https://other.example' }, /another audience/],
    [{ exp: seconds - 30 }, /expired/],
    [{ exp: String(seconds + 60) }, /exp is not a date/],
    [{ nbf: seconds + 60 }, /nbf/],
    [{ sub: undefined, client_id: undefined }, /no subject/],
    [{ sub: undefined, username: 'alice' }, /no subject.*"username" may be a user's/],
    [{ scope: 7 }, /holds no scopes/],
    [{ cnf: { jkt: 'a' } }, /bound to a key/],
    [{ token_type: 'DPoP' }, /not a Bearer token/],
    [{ token_type: 'refresh_token' }, /not a Bearer token/],
    [{ token_use: 'refresh_token' }, /not an access token/]
  ]
  for (const [change, reason] of cases) {
    issuer.tokens.set('other', { ...claims, ...change })
    await t.rejects(verifier.verify('other'), reason, JSON.stringify(change))
  }
  for (const change of [{ iss: issuer.issuer }, { sub: undefined }, { token_type: 'Bearer' }, { token_type: 'access_token' }, { token_use: 'access_token' }]) {
    issuer.tokens.set('other', { ...claims, ...change })
    await t.resolves(verifier.verify('other'), JSON.stringify(change))
    clock.advance(20_000)
  }
})

t.test('client ids can replace the audience', async (t) => {
  const { issuer, verifier, claims } = await start(t, { as: { clientIds: ['client-1'] } })
  issuer.tokens.set('a', { ...claims, aud: undefined })
  issuer.tokens.set('b', { ...claims, aud: undefined, client_id: 'client-2' })
  await t.resolves(verifier.verify('a'))
  await t.rejects(verifier.verify('b'), /another client/)
})

t.test('a response about a token is remembered for cacheSeconds, tokenCacheSeconds or until exp, whichever is shortest', async (t) => {
  const rows: [server: Partial<ServerConfig>, cacheSeconds: number, exp: number, seconds: number][] = [
    [{}, 20, 600, 20],
    [{ tokenCacheSeconds: 10 }, 20, 600, 10],
    [{}, 20, 5, 5]
  ]
  for (const [server, cacheSeconds, exp, seconds] of rows) {
    const { issuer, verifier, claims, clock } = await start(t, {
      server,
      as: { introspection: { ...SECRET, cacheSeconds } }
    })
    issuer.tokens.set('a', { ...claims, exp: clock.now() / 1000 + exp })
    await verifier.verify('a')
    clock.advance(seconds * 1000 - 1)
    await verifier.verify('a')
    t.equal(issuer.asked.length, 1)
    clock.advance(1)
    await verifier.verify('a')
    t.equal(issuer.asked.length, 2)
  }
})

t.test('cacheSeconds 0 asks each time, but not twice at the same time', async (t) => {
  const { issuer, verifier } = await start(t, { as: { introspection: { ...SECRET, cacheSeconds: 0 } } })
  await verifier.verify('good')
  await verifier.verify('good')
  t.equal(issuer.asked.length, 2)
  await Promise.all(Array.from({ length: 10 }, () => verifier.verify('good')))
  t.equal(issuer.asked.length, 3)
})

t.test('a token without exp expires together with the response about it', async (t) => {
  const { issuer, verifier, claims, clock } = await start(t)
  issuer.tokens.set('a', { ...claims, exp: undefined })
  t.equal((await verifier.verify('a')).expiresAt, clock.now() / 1000 + 20)
})

t.test('a revoked token is refused once the response about it is forgotten', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  await verifier.verify('good')
  issuer.tokens.delete('good')
  clock.advance(20_000)
  await t.rejects(verifier.verify('good'), InvalidToken)
})

t.test('A6: an endpoint that fails says nothing about the token: unavailable', async (t) => {
  for (const status of [400, 401, 403, 404, 429, 500, 503]) {
    const { issuer, verifier } = await start(t)
    issuer.routes.set('/introspect', (_request, response) => sendJson(response, { active: true }, status))
    await t.rejects(verifier.verify('good'), AuthorizationServerUnavailable, String(status))
  }
  const { issuer, verifier } = await start(t)
  issuer.routes.set('/introspect', (_request, response) => response.end('active=true'))
  await t.rejects(verifier.verify('good'), AuthorizationServerUnavailable)
  await issuer.stop()
  await t.rejects(verifier.verify('good'), { name: 'AuthorizationServerUnavailable', retryAfterSeconds: 2 })
})

t.test('metadata without an endpoint says what to configure, and a configured endpoint needs no metadata', async (t) => {
  const without = await start(t)
  without.issuer.metadata = { issuer: without.issuer.issuer }
  await t.rejects(without.verifier.verify('good'), /configure introspection.endpoint/)
  const issuer = await startOpaqueIssuer(t)
  const config = authorizationServerConfig(issuer.issuer, { introspection: { ...SECRET, endpoint: `${issuer.origin}/introspect` } })
  const { verifier, authorizationServers } = setUp(serverConfig([config]), createTestClock())
  issuer.tokens.set('good', { active: true, sub: 'a', aud: AUDIENCE })
  await t.resolves(verifier.verify('good'))
  t.same(issuer.requests, ['/introspect'])
  t.equal(authorizationServers[0]?.state(), 'fresh', 'ready without keys')
})

t.test('secrets are not sent over plain http, nor to where a redirect points', async (t) => {
  const issuer = await startOpaqueIssuer(t)
  const other = await startOpaqueIssuer(t)
  const ask = (endpoint: string) => setUp(serverConfig([authorizationServerConfig(issuer.issuer, { introspection: { ...SECRET, endpoint } })]), createTestClock()).verifier.verify('good')
  await t.rejects(ask('http://as.example/introspect'), /plain http/)
  issuer.routes.set('/introspect', (_request, response) => response.writeHead(307, { location: `${other.origin}/introspect` }).end())
  await t.rejects(ask(`${issuer.origin}/introspect`), /redirects/)
  t.same(other.requests, [])
})

t.test('the first authorization server that knows a token decides', async (t) => {
  const clock = createTestClock()
  const [one, two] = [await startOpaqueIssuer(t), await startOpaqueIssuer(t)]
  const configs = [one, two].map(
    ({ issuer }) => authorizationServerConfig(issuer, { introspection: { ...SECRET, cacheSeconds: 0 } })
  )
  const { verifier } = setUp(serverConfig(configs), clock)
  const claims = { active: true, sub: 'a', aud: AUDIENCE }
  two.tokens.set('second', claims)
  t.equal((await verifier.verify('second')).issuer, two.issuer)
  one.tokens.set('both', { ...claims, aud: 'https://other.example' })
  two.tokens.set('both', claims)
  await t.rejects(verifier.verify('both'), /another audience/, 'even when it decides against it')
  two.tokens.set('foreign', { ...claims, iss: one.issuer })
  await t.rejects(verifier.verify('foreign'), /but iss is/, "one cannot speak in the other's name")

  await one.stop()
  t.equal((await verifier.verify('second')).issuer, two.issuer, 'the second one knows it')
  await t.rejects(verifier.verify('unknown'), AuthorizationServerUnavailable, 'the first one may know it')
})

t.test('a JWT is verified, never asked about', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  issuer.metadata = { ...issuer.metadata, jwks_uri: `${issuer.origin}/jwks` }
  const exp = clock.now() / 1000 + 60
  await t.resolves(verifier.verify(await issuer.token({ exp, iat: undefined })))
  const bad = await issuer.token({ exp, iat: undefined, aud: 'https://other.example' })
  const claims = { active: true, sub: 'a', aud: AUDIENCE }
  for (const token of [bad, bad + '=', await issuer.token({ exp, iss: 'https://other.example' }), (await issuer.token({ exp })).slice(0, -4) + 'AAAA']) {
    issuer.tokens.set(token, claims)
    await t.rejects(verifier.verify(token), InvalidToken)
  }
  t.same(issuer.asked, [])
})

t.test('an authorization server that issues only opaque tokens need not publish keys', async (t) => {
  const { issuer, verifier, authorizationServers, clock } = await start(t)
  await t.rejects(verifier.verify(await issuer.token({ exp: clock.now() / 1000 + 60 })), /no key published/)
  t.equal(authorizationServers[0]?.state(), 'fresh')
})

t.test('A6: many tokens are asked about in turns, and one at a time each', async (t) => {
  const { issuer, verifier, claims } = await start(t)
  const held: (() => void)[] = []
  const route = issuer.routes.get('/introspect') as Route
  issuer.routes.set('/introspect', (request, response) => { held.push(() => route(request, response)) })
  issuer.tokens.set('honest', claims)
  const outcomes: unknown[] = []
  const junk = Array.from({ length: 1_500 }, async (_, i) => {
    outcomes.push(await verifier.verify(`junk-${i}`).then(() => 'accepted', (error: unknown) => error))
  })
  await until(() => held.length === 32 && outcomes.length === 1_500 - 1_024, '32 are asked about, 992 wait, the rest is refused')
  for (const error of outcomes) if (!(error instanceof AuthorizationServerUnavailable)) t.fail('503 beyond the limit')
  t.match(outcomes[0], { retryAfterSeconds: 1 })
  for (let round = 0; round < 3; round++) {
    for (const release of held.splice(0)) release()
    await until(() => held.length === 32, 'the next ones have their turn')
    t.equal(outcomes.filter((error) => error instanceof InvalidToken).length, 32 * (round + 1))
  }
  issuer.routes.set('/introspect', route)
  for (const release of held) release()
  await Promise.all(junk)
  t.notOk(outcomes.includes('accepted'))
  t.equal((await verifier.verify('honest')).subject, 'alice')
})

t.test('A7: a token that is not active is remembered for five seconds', async (t) => {
  const { issuer, verifier, claims, clock } = await start(t)
  for (let i = 0; i < 3; i++) await t.rejects(verifier.verify('late'), InvalidToken)
  t.equal(issuer.asked.length, 1)
  issuer.tokens.set('late', claims)
  clock.advance(4_999)
  await t.rejects(verifier.verify('late'), InvalidToken)
  clock.advance(1)
  await t.resolves(verifier.verify('late'))
  t.equal(issuer.asked.length, 2)
})

t.test('two protected servers that trust one authorization server ask once', async (t) => {
  const { issuer, claims, authorizationServers: [authorizationServer], clock } = await start(t)
  const config = authorizationServerConfig(issuer.issuer, { introspection: SECRET })
  const trusted = [{ config, authorizationServer: authorizationServer as AuthorizationServer }]
  const verifiers = [1, 2].map(() =>
    createAccessTokenVerifier({ server: serverConfig([config]), trusted, now: clock.now }))
  issuer.tokens.set('a', claims)
  await Promise.all(verifiers.map((one) => one.verify('a')))
  t.equal(issuer.asked.length, 1)
})

t.test('an endpoint that has moved is found through the metadata', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  await verifier.verify('good')
  const route = issuer.routes.get('/introspect') as Route
  issuer.routes.delete('/introspect')
  issuer.routes.set('/moved', route)
  issuer.metadata = { ...issuer.metadata, introspection_endpoint: `${issuer.origin}/moved` }
  clock.advance(20_000)
  await t.resolves(verifier.verify('good'))
})

t.test('the state tells an outage, which only a token of our own decides about', async (t) => {
  const { issuer, verifier, clock, authorizationServers: [authorizationServer] } = await start(t)
  const state = (): string | undefined => authorizationServer?.introspectionState?.()
  t.equal(state(), 'unknown')
  await authorizationServer?.prepare()
  t.equal(state(), 'working')
  const route = issuer.routes.get('/introspect') as Route
  issuer.routes.set('/introspect', (_request, response) => sendJson(response, {}, 500))
  await t.rejects(verifier.verify('odd'), AuthorizationServerUnavailable)
  t.equal(state(), 'working', "a stranger's token is no proof")
  clock.advance(2_000)
  await authorizationServer?.prepare()
  t.equal(state(), 'failing')
  issuer.routes.set('/introspect', route)
  await authorizationServer?.prepare()
  t.equal(state(), 'failing', 'not tried again at once')
  clock.advance(2_000)
  await authorizationServer?.prepare()
  t.equal(state(), 'working')
  const asked = issuer.asked.length
  await authorizationServer?.prepare()
  t.equal(issuer.asked.length, asked, 'nothing is asked while all is well')
})
