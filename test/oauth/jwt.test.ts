import t, { type Test } from 'tap'
import { createHmac } from 'node:crypto'
import { CompactEncrypt, CompactSign, exportJWK, exportSPKI, generateKeyPair, UnsecuredJWT } from 'jose'
import { InvalidToken } from '../../src/oauth/failures.js'
import type { Principal } from '../../src/oauth/principal.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { AUDIENCE, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { createSigningKey, forgeToken, type SigningKey } from '../helpers/keys.js'
import { type Overrides, setUp, startVerifier } from './setup.js'

/** Made once: RSA keys take their time. */
const rsa = await createSigningKey('RS256', 'rsa')
const ec = await createSigningKey('ES256', 'ec')

interface Scene {
  readonly issuer: TestIssuer
  readonly clock: TestClock
  readonly seconds: number
  accepts (token: string, message?: string): Promise<void>
  refuses (token: string, reason: RegExp, message?: string): Promise<void>
  verify (token: string): Promise<Principal>
}

async function start (
  t: Test,
  key: SigningKey = ec,
  overrides: Pick<Overrides, 'server' | 'as'> = {}
): Promise<Scene> {
  const { issuer, verifier, clock } = await startVerifier(t, { ...overrides, issuer: { key } })
  return {
    issuer,
    clock,
    seconds: clock.now() / 1000,
    verify: verifier.verify,
    accepts: async (token, message = 'accepted') => { await t.resolves(verifier.verify(token), message) },
    async refuses (token, reason, message = 'refused') {
      const error = await verifier.verify(token).then(() => 'accepted', (error: unknown) => error)
      if (!(error instanceof InvalidToken)) {
        t.equal(error, InvalidToken, message)
        return
      }
      t.match(error.reason, reason, message)
      for (const part of token.split('.')) {
        if (part.length > 8) t.notOk(error.reason.includes(part), 'the reason holds no part of the token')
      }
    }
  }
}

t.test('an access token of the configured issuer for this resource is accepted', async (t) => {
  const { issuer, seconds, verify } = await start(t)
  const principal = await verify(await issuer.token())
  t.equal(principal.issuer, issuer.issuer)
  t.equal(principal.subject, 'alice')
  t.equal(principal.clientId, 'client-1')
  t.same([...principal.scopes], ['todo:read', 'todo:write'])
  t.equal(principal.expiresAt, seconds + 600)
})

t.test('every asymmetric algorithm verifies with a key that fits it', async (t) => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const { issuer, accepts } = await start(t, await createSigningKey(alg, 'k'))
    await accepts(await issuer.token(), alg)
  }
})

t.test('Ed25519 is accepted with a key that is published as EdDSA, once it is configured', async (t) => {
  const key = await createSigningKey('EdDSA', 'k')
  const { issuer, accepts } = await start(t, key, { as: { algorithms: ['Ed25519'] } })
  await accepts(await issuer.token({}, { alg: 'Ed25519' }))
})

t.test('a token without signature is refused', async (t) => {
  const { issuer, refuses, seconds } = await start(t)
  const claims = { iss: issuer.issuer, aud: AUDIENCE, sub: 'mallory', exp: seconds + 60 }
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    await refuses(forgeToken({ alg, kid: 'ec' }, claims), /never accepted/, `alg ${alg}`)
  }
  await refuses(new UnsecuredJWT(claims).encode(), /never accepted/)
  await refuses(forgeToken({ alg: 'ES256', kid: 'ec' }, claims), /signature is missing/, 'empty signature')
  const good = await issuer.token()
  await refuses(good.slice(0, good.lastIndexOf('.') + 1), /signature is missing/, 'signature cut off')
  await refuses(forgeToken({ kid: 'ec' }, claims), /not a JWT/, 'no alg at all')
  await refuses(forgeToken({ alg: ['ES256'], kid: 'ec' }, claims), /no algorithm/, 'alg as a list')
})

t.test('a signature made of zeros is refused (CVE-2022-21449)', async (t) => {
  const { issuer, refuses, seconds } = await start(t)
  await refuses(forgeToken({ alg: 'ES256', kid: 'ec' }, { iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: seconds + 60 }, new Uint8Array(64)), /does not verify/)
})

t.test('an HMAC over what the authorization server publishes is refused, whatever is configured', async (t) => {
  const { issuer, refuses, seconds } = await start(t, rsa, { as: { algorithms: ['HS256', 'HS384', 'HS512', 'none', 'RS256'] as never } })
  const jwk = await exportJWK(rsa.publicKey)
  const pem = await exportSPKI(rsa.publicKey)
  const secrets: Record<string, string | Buffer> = {
    PEM: pem,
    'PEM without line end': pem.trimEnd(),
    JWK: JSON.stringify(rsa.jwk),
    modulus: jwk.n as string,
    'modulus bytes': Buffer.from(jwk.n as string, 'base64url'),
    empty: ''
  }
  for (const [name, secret] of Object.entries(secrets)) {
    for (const alg of ['HS256', 'HS384', 'HS512', 'hs256']) {
      const signed = forgeToken({ alg, kid: 'rsa' }, { iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: seconds + 60 }).slice(0, -1)
      const mac = createHmac(`sha${alg.slice(2)}`, secret).update(signed).digest('base64url')
      await refuses(`${signed}.${mac}`, /never accepted/, `${alg} with ${name}`)
    }
  }
})

t.test('a symmetric key in the key set verifies nothing', async (t) => {
  const { issuer, refuses, seconds } = await start(t, ec, { as: { algorithms: ['HS256', 'ES256'] as never } })
  issuer.keys = [{ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'h', alg: 'HS256' }, ec.jwk]
  const signed = forgeToken({ alg: 'HS256', kid: 'h' }, { iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: seconds + 60 }).slice(0, -1)
  await refuses(`${signed}.${createHmac('sha256', 'secret').update(signed).digest('base64url')}`, /never accepted/)
})

t.test('an algorithm that is not configured for the issuer is refused', async (t) => {
  const { issuer, refuses } = await start(t, ec, { as: { algorithms: ['RS256'] } })
  await refuses(await issuer.token(), /ES256, which is not configured/)
})

t.test('an algorithm that does not fit the key, or that the key is not for, is refused', async (t) => {
  const scene = await start(t, rsa)
  const pss = await createSigningKey('PS256', 'rsa')
  scene.issuer.keys = [rsa.jwk, { ...pss.jwk, alg: 'RS256' }]
  await scene.refuses(await pss.sign({ iss: scene.issuer.issuer, aud: AUDIENCE, sub: 'm', exp: scene.seconds + 60 }), /no key published for PS256/, 'the key is for RS256')
  await scene.refuses(await ec.sign({ iss: scene.issuer.issuer, aud: AUDIENCE, sub: 'm', exp: scene.seconds + 60 }, { kid: 'rsa' }), /no key published for ES256/, 'an EC signature for an RSA key')
})

t.test('a key that is published for another use is not tried', async (t) => {
  for (const change of [{ use: 'enc' }, { use: undefined, key_ops: ['encrypt'] }, { use: undefined, key_ops: [] }, { use: 'sig', key_ops: ['sign'] }, { alg: 'RSA-OAEP' }]) {
    const { issuer, refuses } = await start(t)
    issuer.keys = [{ ...ec.jwk, ...change }, rsa.jwk]
    await refuses(await issuer.token(), /no key published/, JSON.stringify(change))
  }
})

t.test('a key that is published with its private part is not trusted', async (t) => {
  const { issuer, refuses } = await start(t)
  issuer.keys = [{ ...ec.jwk, d: (await exportJWK(ec.privateKey)).d }, rsa.jwk]
  await refuses(await issuer.token(), /no key published/)
})

t.test("another issuer's key under the same kid verifies nothing here", async (t) => {
  const clock = createTestClock()
  const stranger = await createSigningKey('ES256', 'ec')
  const [one, two] = [
    await startIssuer(t, { key: ec, now: clock.now }), await startIssuer(t, { key: stranger, now: clock.now })
  ]
  const { verifier } = setUp(
    serverConfig([authorizationServerConfig(one.issuer), authorizationServerConfig(two.issuer)]), clock
  )
  await t.resolves(verifier.verify(await one.token()))
  await t.resolves(verifier.verify(await two.token()))
  await t.rejects(verifier.verify(await two.token({ iss: one.issuer })), /does not verify/, "the second issuer speaks in the first one's name")
  await t.rejects(verifier.verify(await one.token({ iss: two.issuer })), /does not verify/)
})

t.test('keys and URLs in the header are ignored', async (t) => {
  const { issuer, refuses, accepts } = await start(t)
  const stranger = await createSigningKey('ES256', 'ec')
  const evil = await startIssuer(t, { key: stranger })
  const claims = { iss: issuer.issuer }
  const headers = { jwk: await exportJWK(stranger.publicKey), jku: `${evil.origin}/jwks`, x5u: `${evil.origin}/x5u`, x5c: ['AAAA'], x5t: 'AAAA', iss: evil.issuer }
  for (const [name, value] of Object.entries(headers)) {
    await refuses(await evil.token({ ...claims, aud: AUDIENCE }, { [name]: value }), /does not verify/, name)
    await accepts(await issuer.token({}, { [name]: value }), `${name} beside a good signature`)
  }
  await refuses(await evil.token(claims, { ...headers, kid: undefined }), /does not verify/, 'all of them, and no kid')
  t.same(evil.requests, [], 'nobody asked where the header pointed')
})

t.test('A2: critical extensions are refused', async (t) => {
  const { issuer, refuses, seconds } = await start(t)
  const payload = { iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: seconds + 60 }
  for (const crit of [['exp'], ['b64'], [], 'b64', null, ['http://example.invalid/UNDEFINED']]) {
    await refuses(forgeToken({ alg: 'ES256', kid: 'ec', b64: true, crit }, payload), /critical extensions/, JSON.stringify(crit))
  }
})

t.test('A2: typ is absent or one of those of an access token', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  for (const typ of [undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+JWT']) {
    await accepts(await issuer.token({}, { typ }), String(typ))
  }
  for (const typ of ['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'id+jwt', 'application/jwt+at', 'at', '', 'JOSE', 'oauth-authz-req+jwt']) {
    await refuses(await issuer.token({}, { typ }), /not an access token: typ/, typ)
  }
})

t.test('A2: an encrypted token is refused with that reason', async (t) => {
  const { issuer, refuses } = await start(t)
  const { publicKey } = await generateKeyPair('ECDH-ES')
  const token = await new CompactEncrypt(Buffer.from(await issuer.token())).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' }).encrypt(publicKey)
  await refuses(token, /encrypted/)
})

t.test('A2: iss is compared exactly', async (t) => {
  const { issuer, refuses } = await start(t)
  const { origin } = issuer
  for (const iss of [origin + '/', origin.toUpperCase(), origin + '/x', origin.replace('127.0.0.1', 'localhost'), '', undefined, null, 1, [origin], { toString: origin }]) {
    await refuses(await issuer.token({ iss }), /issuer is not configured/, JSON.stringify(iss))
  }
})

t.test('A2: a configured further issuer is accepted', async (t) => {
  const { issuer, verify } = await start(t, ec, { as: { issuers: ['https://env.example/resources/res_1'] } })
  const principal = await verify(await issuer.token({ iss: 'https://env.example/resources/res_1' }))
  t.equal(principal.issuer, 'https://env.example/resources/res_1')
})

t.test('A2: exp is required, and a token ends when exp and the tolerance have passed', async (t) => {
  const { issuer, accepts, refuses, seconds } = await start(t)
  await accepts(await issuer.token({ exp: seconds + 1 }))
  await accepts(await issuer.token({ exp: seconds - 29 }), 'within the tolerance')
  await accepts(await issuer.token({ exp: seconds - 29.5 }), 'a fraction of a second')
  await refuses(await issuer.token({ exp: seconds - 30 }), /expired 30 s ago/)
  await refuses(await issuer.token({ exp: 0 }), /expired/)
  await refuses(await issuer.token({ exp: undefined }), /no expiry/)
  for (const exp of [String(seconds + 60), null, true, [seconds + 60], {}, (seconds + 60) * 1000, 1e300]) {
    await refuses(await issuer.token({ exp }), /exp is not a date/, JSON.stringify(exp))
  }
})

t.test('exp that overflows to infinity is refused', async (t) => {
  const { issuer, refuses, seconds } = await start(t)
  const payload = Buffer.from(`{"iss":"${issuer.issuer}","aud":"${AUDIENCE}","sub":"m","iat":${seconds},"exp":1e999}`)
  await refuses(await new CompactSign(payload).setProtectedHeader({ alg: 'ES256', kid: 'ec' }).sign(ec.privateKey), /exp is not a date/)
})

t.test('A2: nbf and iat must not be in the future beyond the tolerance', async (t) => {
  const { issuer, accepts, refuses, seconds } = await start(t)
  for (const name of ['nbf', 'iat']) {
    await accepts(await issuer.token({ [name]: undefined }), `${name} is optional`)
    await accepts(await issuer.token({ [name]: seconds + 30 }), `${name} within the tolerance`)
    await refuses(await issuer.token({ [name]: seconds + 31 }), new RegExp(`${name} is 31 s in the future`))
    for (const value of [String(seconds), null, false, seconds * 1000]) {
      await refuses(await issuer.token({ [name]: value }), new RegExp(`${name} is not a date`), `${name} ${JSON.stringify(value)}`)
    }
  }
})

t.test('no tolerance means none', async (t) => {
  const { issuer, accepts, refuses, seconds } = await start(t, ec, { server: { clockToleranceSeconds: 0 } })
  await accepts(await issuer.token({ exp: seconds + 1, nbf: seconds, iat: seconds }))
  await refuses(await issuer.token({ exp: seconds }), /expired/)
  await refuses(await issuer.token({ nbf: seconds + 1 }), /nbf/)
})

t.test('A2: an ID token is refused', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  await refuses(await issuer.token({ c_hash: 'c' }), /an ID token/)
  for (const claims of [{ nonce: 'n' }, { at_hash: 'a' }, { nonce: 'n', at_hash: 'a' }]) {
    await refuses(await issuer.token({ ...claims, aud: 'client-1', scope: undefined }), /another audience/)
    await accepts(await issuer.token(claims), `an access token with ${JSON.stringify(claims)}`)
  }
  for (const claims of [{ token_use: 'id' }, { token_use: 'ID' }, { token_use: 'refresh' }, { typ: 'ID' }, { typ: 'id' }, { typ: 'Refresh' }, { typ: 'Offline' }, { typ: 'Logout' }, { events: {} }]) {
    await refuses(await issuer.token(claims), /not an access token/, JSON.stringify(claims))
  }
  await accepts(await issuer.token({ token_use: 'access' }))
  await accepts(await issuer.token({ typ: 'Bearer' }))
})

t.test('A2: where the audience is the client, an ID token is told by its scopes', async (t) => {
  const { issuer, accepts, refuses } = await start(t, ec, { server: { audience: ['client-1'] } })
  const login = { aud: 'client-1', nonce: 'n', at_hash: 'a' }
  for (const scopes of [{ scope: undefined }, { scope: undefined, roles: ['admin'] }]) {
    for (const client of [{}, { client_id: undefined, azp: 'client-1' }]) {
      await refuses(await issuer.token({ ...login, ...scopes, ...client }), /an ID token/)
    }
  }
  await accepts(await issuer.token(login), 'an access token states its scopes')
  const groups = await start(t, ec, { server: { audience: ['client-1'] }, as: { scopeClaim: ['groups'] } })
  const idToken = await groups.issuer.token({ ...login, scope: undefined, groups: ['admins'] })
  await groups.refuses(idToken, /an ID token/, 'groups are in both')
  await accepts(await issuer.token({ aud: 'client-1', scope: undefined }), 'nothing tells of a login')
  const dex = { ...login, scope: undefined, client_id: undefined, groups: ['admins'] }
  await accepts(await issuer.token(dex), "Dex's access tokens name no client, and cannot be told apart")
})

t.test('A2: a token that is bound to a key is refused as a Bearer token', async (t) => {
  const { issuer, refuses } = await start(t)
  for (const cnf of [{ jkt: 'abc' }, { 'x5t#S256': 'abc' }, { jwk: {} }, {}, null]) {
    await refuses(await issuer.token({ cnf }), /bound to a key/, JSON.stringify(cnf))
  }
})

t.test('A3: a token for another resource is refused', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  await accepts(await issuer.token({ aud: [AUDIENCE] }))
  await accepts(await issuer.token({ aud: ['https://other.example', AUDIENCE] }), 'one audience of several')
  await refuses(await issuer.token({ aud: undefined }), /no audience/)
  await refuses(await issuer.token({ aud: [] }), /no audience/)
  for (const aud of ['https://other.example/mcp', AUDIENCE + '/', AUDIENCE.toUpperCase(), 'https://mcp.example', 'https://mcp.example/', `${AUDIENCE} https://other`, '', ['https://other.example/mcp']]) {
    await refuses(await issuer.token({ aud }), /another audience/, JSON.stringify(aud))
  }
  for (const aud of [null, 1, { [AUDIENCE]: true }, [AUDIENCE, 1], [[AUDIENCE]]]) {
    await refuses(await issuer.token({ aud }), /aud is neither/, JSON.stringify(aud))
  }
})

t.test('A3: a resource without path and its slash form are one audience', async (t) => {
  for (const resource of ['https://mcp.example', 'https://mcp.example/']) {
    const { issuer, accepts, refuses } = await start(t, ec, { server: { resource } })
    await accepts(await issuer.token({ aud: 'https://mcp.example' }))
    await accepts(await issuer.token({ aud: 'https://mcp.example/' }))
    for (const aud of ['https://mcp.example//', 'https://mcp.example/x', 'https://MCP.example', 'https://mcp.example:443', 'http://mcp.example']) {
      await refuses(await issuer.token({ aud }), /another audience/, aud)
    }
  }
})

t.test('A3: a configured audience replaces the resource, and one for the issuer replaces both', async (t) => {
  const byServer = await start(t, ec, { server: { audience: ['api://todo', '8b5cbb23'] } })
  await byServer.accepts(await byServer.issuer.token({ aud: '8b5cbb23' }))
  await byServer.refuses(await byServer.issuer.token({ aud: AUDIENCE }), /another audience/)
  const byIssuer = await start(t, ec, { server: { audience: ['api://todo'] }, as: { audience: ['res_1'] } })
  await byIssuer.accepts(await byIssuer.issuer.token({ aud: ['res_1'] }))
  await byIssuer.refuses(await byIssuer.issuer.token({ aud: 'api://todo' }), /another audience/)
  const nothing = await start(t, ec, { server: { audience: [] } })
  await nothing.refuses(await nothing.issuer.token(), /accepted: nothing/)
})

t.test('A3: strictAudience refuses a token that is also for somebody else', async (t) => {
  const { issuer, accepts, refuses } = await start(t, ec, { server: { strictAudience: true, audience: [AUDIENCE, 'api://todo'] } })
  await accepts(await issuer.token({ aud: [AUDIENCE, 'api://todo'] }))
  await refuses(await issuer.token({ aud: [AUDIENCE, 'https://other.example'] }), /also meant for another audience/)
})

t.test('A3: client ids replace only a missing audience', async (t) => {
  const { issuer, accepts, refuses } = await start(t, ec, { as: { clientIds: ['app-1'] } })
  await accepts(await issuer.token({ aud: undefined, client_id: 'app-1' }))
  await accepts(await issuer.token({ aud: undefined, client_id: 'app-1', token_use: 'access' }))
  await refuses(await issuer.token({ aud: undefined, client_id: 'app-2' }), /another client/)
  await refuses(await issuer.token({ aud: undefined, client_id: undefined }), /another client/)
  await refuses(await issuer.token({ aud: undefined, client_id: undefined, azp: 'app-1' }), /another client/, 'azp is not client_id')
  await refuses(await issuer.token({ aud: undefined, client_id: ['app-1'] }), /another client/)
  await refuses(await issuer.token({ aud: undefined, client_id: 'app-1', token_use: 'other' }), /not an access token/)
  await accepts(await issuer.token({ aud: AUDIENCE, client_id: 'app-1' }), 'an audience, and the right one')
  await refuses(await issuer.token({ aud: 'https://other.example', client_id: 'app-1' }), /another audience/)
  const none = await start(t, ec, { as: { clientIds: [] } })
  await none.refuses(await none.issuer.token({ aud: undefined, client_id: 'app-1' }), /another client/)
})

t.test('A2: the subject is sub, or the client when there is none', async (t) => {
  const { issuer, verify, refuses } = await start(t)
  t.equal((await verify(await issuer.token({ sub: undefined }))).subject, 'client-1')
  await refuses(await issuer.token({ sub: undefined, client_id: undefined }), /no subject/)
  for (const sub of ['', 1, null, ['alice'], {}]) await refuses(await issuer.token({ sub }), /no subject/, JSON.stringify(sub))
})

t.test('the client is read from client_id, azp, cid or appid', async (t) => {
  const { issuer, verify, refuses } = await start(t)
  for (const name of ['azp', 'cid', 'appid']) {
    t.equal((await verify(await issuer.token({ client_id: undefined, [name]: 'x' }))).clientId, 'x', name)
  }
  t.equal((await verify(await issuer.token({ azp: 'x' }))).clientId, 'client-1', 'client_id goes first')
  t.notOk('clientId' in await verify(await issuer.token({ client_id: undefined })))
  for (const value of [1, '', ['a']]) await refuses(await issuer.token({ client_id: value }), /not a client id/, JSON.stringify(value))
})

t.test('A4: scopes are read from the first claim that is there', async (t) => {
  const { issuer, verify, refuses } = await start(t)
  const scopes = async (
    claims: Record<string, unknown>
  ) => [...(await verify(await issuer.token({ scope: undefined, ...claims }))).scopes]
  t.same(await scopes({ scope: 'a b' }), ['a', 'b'])
  t.same(await scopes({ scope: ' a  b ' }), ['a', 'b'])
  t.same(await scopes({ scope: '' }), [], 'an empty claim is there')
  t.same(await scopes({ scope: '', scp: 'a' }), [])
  t.same(await scopes({ scope: null, scp: ['a', 'b'] }), ['a', 'b'], 'null is not there')
  t.same(await scopes({ scp: 'a b', scopes: ['c'] }), ['a', 'b'])
  t.same(await scopes({ scopes: ['c', 'c'] }), ['c'])
  t.same(await scopes({}), [])
  t.same(await scopes({ scopes: ['todo admin', 'todo"', 'a\nb', 'ſ', ''] }), [], 'nothing that a scope cannot be, and no splitting of list members')
  for (const scope of [1, true, { a: 1 }, ['a', 1], [['a']]]) await refuses(await issuer.token({ scope }), /holds no scopes/, JSON.stringify(scope))
})

t.test('A4: a scope claim can be a path, and a name with dots goes first', async (t) => {
  const { issuer, verify } = await start(t, ec, { as: { scopeClaim: ['https://api.example/roles', 'realm_access.roles', 'constructor.name', '__proto__', 'permissions'] } })
  const scopes = async (
    claims: Record<string, unknown>
  ) => [...(await verify(await issuer.token(claims))).scopes]
  t.same(await scopes({ realm_access: { roles: ['a', 'b'] } }), ['a', 'b'])
  t.same(await scopes({ 'https://api.example/roles': ['c'], realm_access: { roles: ['a'] } }), ['c'])
  t.same(await scopes({ 'realm_access.roles': 'd' }), ['d'])
  t.same(await scopes({ permissions: ['e'] }), ['e'], 'inherited properties are not claims')
  t.same(await scopes({ realm_access: ['roles'], permissions: ['e'] }), ['e'])
  t.same(await scopes({ realm_access: 'roles' }), [])
})

t.test("A4: Zitadel's object of roles holds scopes", async (t) => {
  const claim = 'urn:zitadel:iam:org:project:roles'
  const { issuer, verify, refuses } = await start(t, ec, { as: { scopeClaim: [claim] } })
  const scopes = async (roles: unknown): Promise<string[]> =>
    [...(await verify(await issuer.token({ [claim]: roles }))).scopes]
  const grant = { 281234567890123456: 'acme.zitadel.cloud' }
  t.same(await scopes({ admin: grant, reader: { ...grant, 2: 'b' } }), ['admin', 'reader'])
  t.same(await scopes({ admin: {}, reader: grant }), ['reader'], 'a role of no organization is not granted')
  t.same(await scopes({ 'two words': grant, reader: grant }), ['reader'])
  t.same(await scopes({ constructor: grant, ['__proto__']: grant }), ['constructor', '__proto__'])
  for (const value of [{}, { admin: true }, { admin: ['x'] }, { admin: { roles: ['x'] } }, { admin: null }, { a: grant, b: 1 }]) {
    await refuses(await issuer.token({ [claim]: value }), /holds no scopes/, JSON.stringify(value))
  }
})

t.test('a changed token is refused', async (t) => {
  const { issuer, refuses, accepts } = await start(t)
  const token = await issuer.token()
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const other = (await issuer.token({ sub: 'mallory' })).split('.')[1] as string
  await accepts(token)
  await refuses(`${header}.${other}.${signature}`, /does not verify/, 'payload of another token')
  await refuses(`${header}.${payload}.${signature.slice(0, -4)}`, /does not verify/)
  await refuses(`${header}.${payload}.${signature}AAAA`, /does not verify/)
  await refuses(`${header}.${payload}.${signature}==`, /not base64url/, 'the same signature in another spelling')
  await refuses(`${header}.${payload}=.${signature}`, /issuer is not configured/, 'padding')
  await refuses(`${header}..${signature}`, /issuer is not configured/)
})

t.test('what is not a JWT is refused when nobody can be asked about it', async (t) => {
  const { refuses } = await start(t)
  const object = Buffer.from('{"alg":"ES256"}').toString('base64url')
  for (const token of ['opaque', 'a.b.c', '..', 'a.b.c.d.e', `${object}.${object}`, `${object}.${object}.a.b`, '.'.repeat(16_000), 'a'.repeat(16_385)]) {
    await refuses(token, /not a JWT|longer than/, token.slice(0, 20))
  }
  for (const payload of ['[]', 'null', '"x"', '{', '{"iss":"\xff"}']) {
    await refuses(`${object}.${Buffer.from(payload, 'latin1').toString('base64url')}.AAAA`, /issuer is not configured/, payload)
  }
  await refuses(forgeToken({ alg: 'ES256', kid: 7 }, {}), /kid is not a string/)
})

t.test('a token without kid is tried with every key that fits', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  const others = [await createSigningKey('ES256', 'x'), await createSigningKey('EdDSA', 'y')]
  issuer.keys = [...others.map(({ jwk }) => jwk), ec.jwk]
  await accepts(await issuer.token({}, { kid: undefined }))
  const stranger = await createSigningKey('ES256', 'z')
  await refuses(await stranger.sign({ iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: 4e9 }, { kid: undefined }), /any published key/)
})

t.test('A5: keys without kid are tried for a kid that no key has', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  const { kid, ...withoutKid } = ec.jwk
  issuer.keys = [withoutKid]
  await accepts(await issuer.token(), 'a token with kid, and a lone key without one')
  await accepts(await issuer.token({}, { kid: 'another' }))
  const stranger = await createSigningKey('ES256', 'x')
  const forged = await stranger.sign({ iss: issuer.issuer, aud: AUDIENCE, sub: 'm', exp: 4e9 })
  await refuses(forged, /any published key/, 'the signature decides, not the kid')
})

t.test('A5: a key without kid is not tried beside one that has the kid', async (t) => {
  const { issuer, accepts, refuses } = await start(t)
  const { kid, ...withoutKid } = ec.jwk
  issuer.keys = [(await createSigningKey('ES256', 'ec')).jwk, withoutKid]
  await refuses(await issuer.token(), /does not verify with key "ec"/)
  await accepts(await issuer.token({}, { kid: 'other' }))
})

t.test('two keys under one kid are both tried', async (t) => {
  const { issuer, accepts } = await start(t)
  issuer.keys = [(await createSigningKey('ES256', 'ec')).jwk, ec.jwk]
  await accepts(await issuer.token())
})
