import t, { type Test } from 'tap'
import { AuthorizationServerUnavailable } from '../../src/oauth/failures.js'
import { createAuthorizationServer, type AuthorizationServer } from '../../src/oauth/authorization-server.js'
import { metadataUrls } from '../../src/oauth/discovery.js'
import type { AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import { createTestClock } from '../helpers/clock.js'
import { authorizationServerConfig } from '../helpers/configuration.js'
import { type Route, sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { until } from '../helpers/until.js'
import { createLog } from './setup.js'

function create (
  issuer: string,
  overrides: Partial<AuthorizationServerConfig> = {},
  { clock = createTestClock(), timeoutMs = 2_000 } = {}
): AuthorizationServer {
  const services = { fetch, now: clock.now, log: createLog(), timeoutMs }
  return createAuthorizationServer(authorizationServerConfig(issuer, overrides), services)
}

/** An issuer whose metadata is at one path only. */
async function startAt (t: Test, wellKnown: string, path = ''): Promise<TestIssuer> {
  const issuer = await startIssuer(t, { path })
  issuer.routes.delete(`/.well-known/oauth-authorization-server${path}`)
  issuer.routes.set(wellKnown, (_request, response) => sendJson(response, issuer.metadata))
  return issuer
}

t.test('A5: metadata is looked for in the order of the RFC, each place once', async (t) => {
  t.same(metadataUrls('https://as.example/tenant/1'), [
    'https://as.example/.well-known/oauth-authorization-server/tenant/1',
    'https://as.example/.well-known/openid-configuration/tenant/1',
    'https://as.example/tenant/1/.well-known/openid-configuration'
  ])
  t.same(metadataUrls('https://as.example/realms/r/')[0], 'https://as.example/.well-known/oauth-authorization-server/realms/r', 'the slash at the end goes')
  for (const issuer of ['https://as.example', 'https://as.example/']) {
    t.same(metadataUrls(issuer), ['https://as.example/.well-known/oauth-authorization-server', 'https://as.example/.well-known/openid-configuration'], issuer)
  }
  for (const issuer of ['stytch.com/project', 'urn:as', 'accounts']) t.same(metadataUrls(issuer), [], issuer)
})

t.test('metadata is found at each of the places', async (t) => {
  const places: [wellKnown: string, path: string, asked: number][] = [
    ['/.well-known/oauth-authorization-server', '', 1],
    ['/.well-known/openid-configuration', '', 2],
    ['/.well-known/oauth-authorization-server/a/b', '/a/b', 1],
    ['/.well-known/openid-configuration/a/b', '/a/b', 2],
    ['/a/b/.well-known/openid-configuration', '/a/b', 3]
  ]
  for (const [wellKnown, path, asked] of places) {
    const issuer = await startAt(t, wellKnown, path)
    t.equal((await create(issuer.issuer).metadata()).issuer, issuer.issuer, wellKnown)
    t.equal(issuer.requests.length, asked)
  }
})

t.test('an issuer with a slash at its end is compared with it', async (t) => {
  const issuer = await startIssuer(t)
  issuer.metadata = { ...issuer.metadata, issuer: `${issuer.origin}/` }
  t.equal((await create(`${issuer.origin}/`).metadata()).issuer, `${issuer.origin}/`)
  await t.rejects(create(issuer.origin).metadata(), /names the issuer/)
})

t.test('A5: a document that names another issuer is not used, and the next place is tried', async (t) => {
  const issuer = await startAt(t, '/.well-known/openid-configuration')
  issuer.routes.set('/.well-known/oauth-authorization-server', (_request, response) => sendJson(response, { ...issuer.metadata, issuer: 'https://evil.example' }))
  t.equal((await create(issuer.issuer).metadata()).issuer, issuer.issuer)
  issuer.routes.delete('/.well-known/openid-configuration')
  const other = create(issuer.issuer)
  await t.rejects(other.metadata(), AuthorizationServerUnavailable)
  await t.rejects(other.findKeys('ES256', 'first'), AuthorizationServerUnavailable, 'its keys are not used either')
  t.equal(issuer.count('/jwks'), 0)
})

t.test('a document without issuer, or with one that is no string, is not used', async (t) => {
  const issuer = await startIssuer(t)
  for (const named of [undefined, null, [issuer.origin], { a: issuer.origin }]) {
    issuer.metadata = { ...issuer.metadata, issuer: named }
    await t.rejects(create(issuer.issuer).metadata(), /names the issuer/)
  }
})

t.test('a configured further issuer may be the one that the document names, and where it is found', async (t) => {
  const issuer = await startIssuer(t, { path: '/resources/res_1' })
  const authorizationServer = create(issuer.origin, { issuers: [issuer.issuer] })
  t.equal((await authorizationServer.metadata()).issuer, issuer.issuer)
})

t.test('a configured metadataUrl is the only place, and its issuer is checked too', async (t) => {
  const issuer = await startIssuer(t)
  issuer.routes.set('/elsewhere', (_request, response) => sendJson(response, { ...issuer.metadata, issuer: 'https://sts.example/tid/' }))
  t.equal((await create('https://sts.example/tid/', { metadataUrl: `${issuer.origin}/elsewhere` }).metadata()).issuer, 'https://sts.example/tid/')
  await t.rejects(create(issuer.issuer, { metadataUrl: `${issuer.origin}/elsewhere` }).metadata(), /names the issuer/)
  t.same(issuer.requests, ['/elsewhere', '/elsewhere'])
})

t.test('a configured jwksUri needs no metadata', async (t) => {
  const issuer = await startIssuer(t)
  t.equal((await create('stytch.example/project', { jwksUri: `${issuer.origin}/jwks` }).findKeys('ES256', 'first')).length, 1)
  t.same(issuer.requests, ['/jwks'])
})

t.test('an issuer that is not a URL, without metadataUrl and jwksUri, says what to configure', async (t) => {
  await t.rejects(create('stytch.example/project').findKeys('ES256', 'a'), /configure metadataUrl or jwksUri/)
})

t.test('metadata without jwks_uri says what to configure', async (t) => {
  const issuer = await startIssuer(t)
  issuer.metadata = { issuer: issuer.issuer }
  await t.rejects(create(issuer.issuer).findKeys('ES256', 'a'), /configure jwksUri/)
})

t.test('keys are not fetched over plain http because the metadata says so', async (t) => {
  const issuer = await startIssuer(t)
  issuer.metadata = { ...issuer.metadata, jwks_uri: 'http://keys.example/jwks' }
  await t.rejects(create(issuer.issuer).findKeys('ES256', 'a'), /plain http/)
})

t.test('A5: a connection that is reset or broken off does not end the search', async (t) => {
  const faults: Record<string, Route> = {
    reset: (request) => { request.socket.resetAndDestroy() },
    'closed without a response': (request) => { request.socket.destroy() },
    'broken off within the body': (request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{', () => request.socket.destroy())
    },
    'no HTTP': (request) => { request.socket.end('nonsense\r\n\r\n') }
  }
  for (const [name, fault] of Object.entries(faults)) {
    const issuer = await startAt(t, '/.well-known/openid-configuration')
    issuer.routes.set('/.well-known/oauth-authorization-server', fault)
    t.equal((await create(issuer.issuer).metadata()).issuer, issuer.issuer, name)
  }
})

t.test('A5: all places together have one time limit', async (t) => {
  const issuer = await startIssuer(t, { path: '/a' })
  issuer.mode = 'hang'
  const authorizationServer = create(issuer.issuer, {}, { timeoutMs: 50 })
  await t.rejects(authorizationServer.metadata(), AuthorizationServerUnavailable)
  t.equal(issuer.requests.length, 1)
})

t.test('the last good metadata is served while the authorization server is down, without limit', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t)
  const authorizationServer = create(issuer.issuer, {}, { clock })
  const first = await authorizationServer.metadata()
  await issuer.stop()
  for (const seconds of [60, 3_600, 86_400 * 30]) {
    clock.advance(seconds * 1000)
    t.same(await authorizationServer.metadata(), first)
  }
})

t.test('metadata that changed is served after its time', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t)
  const authorizationServer = create(issuer.issuer, {}, { clock })
  await authorizationServer.metadata()
  issuer.metadata = { ...issuer.metadata, changed: true }
  clock.advance(599_000)
  t.notMatch(await authorizationServer.metadata(), { changed: true })
  t.equal(issuer.requests.length, 1)
  clock.advance(2_000)
  const answered = new Promise<void>((resolve) => {
    issuer.routes.set('/.well-known/oauth-authorization-server', (_request, response) => {
      response.on('close', () => resolve())
      sendJson(response, issuer.metadata)
    })
  })
  t.notMatch(await authorizationServer.metadata(), { changed: true }, 'nobody waits for the refresh')
  await answered
  await until(async () => (await authorizationServer.metadata()).changed === true, 'the metadata is the new one')
})
