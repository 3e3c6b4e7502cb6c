import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify, type JWTVerifyResult } from 'jose'
import t, { type Test } from 'tap'
import {
  startAuthorizationServer, type AuthorizationServer, type AuthorizationServerOptions
} from '../../demo/authorization-server.js'
import { createBrowser } from '../helpers/oauth-browser.js'

const api = { resource: 'http://localhost:3002/mcp', scopes: ['todo:read', 'todo:write'] }
const redirectUrl = 'http://localhost:9876/callback'

async function start (
  t: Test, options: Partial<AuthorizationServerOptions> = {}
): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer({ port: 0, resources: [api], autoLogin: true, ...options })
  t.teardown(() => server.close())
  return server
}

async function register (
  issuer: string, metadata: Record<string, unknown> = {}
): Promise<Record<string, unknown>> {
  const response = await fetch(`${issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      ...metadata
    })
  })
  return await response.json() as Record<string, unknown>
}

const verifier = randomBytes(32).toString('base64url')

function authorizationUrl (issuer: string, clientId: unknown, parameters: Record<string, string> = {}): URL {
  const url = new URL(`${issuer}/auth`)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: String(clientId),
    redirect_uri: redirectUrl,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 's',
    ...parameters
  }).toString()
  return url
}

interface TokenResponse {
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
  readonly error?: string
}

async function requestTokens (
  issuer: string, parameters: Record<string, unknown>, headers: Record<string, string> = {}
): Promise<TokenResponse> {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) body.set(name, String(value))
  return await (await fetch(`${issuer}/token`, { method: 'POST', body, headers })).json() as TokenResponse
}

/** Registers, logs in and redeems the code. */
async function logIn (
  issuer: string, authorization: Record<string, string>, redemption: Record<string, string> = {}
): Promise<TokenResponse & { clientId: unknown }> {
  const { client_id: clientId } = await register(issuer)
  const callback = await createBrowser().authorize(
    authorizationUrl(issuer, clientId, authorization), redirectUrl
  )
  const code = callback.get('code')
  const tokens = await requestTokens(issuer, {
    grant_type: 'authorization_code',
    code,
    client_id: clientId,
    redirect_uri: redirectUrl,
    code_verifier: verifier,
    ...redemption
  })
  return { ...tokens, clientId }
}

function verify (issuer: string, token: string): Promise<JWTVerifyResult> {
  return jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
    issuer, typ: 'at+jwt', algorithms: ['RS256']
  })
}

function basic ({ clientId, clientSecret }: ClientCredentials): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}

type ClientCredentials = AuthorizationServer['clientCredentials']

t.test('both metadata documents are served and name URLs under the issuer only', async (t) => {
  const { issuer } = await start(t)
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    const response = await fetch(`${issuer.replace('localhost', '127.0.0.1')}/.well-known/${name}`)
    t.match(await response.json(), {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      registration_endpoint: `${issuer}/reg`,
      introspection_endpoint: `${issuer}/token/introspection`,
      code_challenge_methods_supported: ['S256'],
      scopes_supported: ['openid', 'offline_access']
    })
  }
})

t.test('a login ends in a JWT access token for the resource that was asked for', async (t) => {
  const { issuer } = await start(t)
  const { access_token: token, clientId, ...rest } = await logIn(issuer, {
    scope: 'todo:read', resource: api.resource, login_hint: 'ada'
  })
  const { payload, protectedHeader } = await verify(issuer, token)
  t.match(payload, {
    iss: issuer, aud: api.resource, sub: 'ada', client_id: clientId, scope: 'todo:read', jti: String
  })
  t.equal(Number(payload.exp) - Number(payload.iat), 3600)
  t.match(protectedHeader, { alg: 'RS256', typ: 'at+jwt', kid: String })
  t.notOk(rest.refresh_token, 'no refresh token without offline_access')
})

t.test('a client that names no resource gets a token for the only one there is', async (t) => {
  const { issuer } = await start(t)
  const { access_token: token } = await logIn(issuer, { scope: 'todo:read' })
  t.match((await verify(issuer, token)).payload, { aud: api.resource, scope: 'todo:read' })
})

t.test('a client that names no scope is offered all of them', async (t) => {
  const { issuer } = await start(t)
  const { access_token: token } = await logIn(issuer, { resource: api.resource })
  t.match((await verify(issuer, token)).payload, { scope: 'todo:read todo:write' })
})

t.test('a resource without a path is the same with and without its slash; aud is as configured', async (
  t
) => {
  const { issuer } = await start(t, { resources: [{ resource: 'http://h.example', scopes: ['a'] }] })
  for (const resource of ['http://h.example', 'http://h.example/']) {
    const { access_token: token } = await logIn(issuer, { scope: 'a', resource }, { resource })
    t.equal((await verify(issuer, token)).payload.aud, 'http://h.example')
  }
})

t.test('no token is issued for an unknown resource', async (t) => {
  const { issuer, clientCredentials } = await start(t)
  for (const resource of [
    'http://localhost:3002/mcp/', 'http://localhost:3002', 'http://localhost:3002/other'
  ]) {
    const response = await requestTokens(
      issuer, { grant_type: 'client_credentials', scope: 'todo:read', resource }, basic(clientCredentials)
    )
    t.match(response, { error: 'invalid_target' }, resource)
    t.notOk(response.access_token)
  }
})

t.test('a code without its PKCE verifier is worth nothing', async (t) => {
  const { issuer } = await start(t)
  t.match(
    await logIn(issuer, { scope: 'todo:read' }, { code_verifier: randomBytes(32).toString('base64url') }),
    { error: 'invalid_grant' }
  )

  const { client_id: clientId } = await register(issuer)
  const url = authorizationUrl(issuer, clientId, { scope: 'todo:read' })
  url.searchParams.delete('code_challenge')
  url.searchParams.delete('code_challenge_method')
  const callback = await createBrowser().authorize(url, redirectUrl)
  t.match(Object.fromEntries(callback), { error: 'invalid_request', error_description: /PKCE/i })
})

t.test('offline_access brings a refresh token', async (t) => {
  const { issuer } = await start(t)
  const first = await logIn(issuer, {
    scope: 'todo:read offline_access', prompt: 'consent', resource: api.resource
  })
  const second = await requestTokens(issuer, {
    grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: first.clientId
  })
  t.not(second.access_token, first.access_token)
  t.match((await verify(issuer, second.access_token)).payload, { aud: api.resource, scope: 'todo:read' })
})

t.test('registration does not bind a client to its scope, and drops unsupported grants', async (t) => {
  const { issuer } = await start(t)
  const client = await register(issuer, {
    scope: 'todo:read',
    grant_types: ['authorization_code', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code'],
    redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback', redirectUrl]
  })
  t.ok(client['client_id'])
  t.notOk(client['scope'])
  t.same(client['grant_types'], ['authorization_code'])

  const callback = await createBrowser().authorize(
    authorizationUrl(issuer, client['client_id'], { scope: 'todo:write' }), redirectUrl
  )
  t.ok(callback.get('code'))
})

t.test('client credentials give a token for the client itself', async (t) => {
  const { issuer, clientCredentials } = await start(t)
  const request = { grant_type: 'client_credentials', scope: 'todo:read unknown', resource: api.resource }
  const { access_token: token } = await requestTokens(issuer, request, basic(clientCredentials))
  t.match((await verify(issuer, token)).payload, {
    iss: issuer,
    aud: api.resource,
    sub: clientCredentials.clientId,
    client_id: clientCredentials.clientId,
    scope: 'todo:read'
  })
  t.match(await requestTokens(issuer, request, basic({ ...clientCredentials, clientSecret: 'wrong' })), {
    error: 'invalid_client'
  })
})

t.test('tokens can be made directly, with the wanted subject, client and lifetime', async (t) => {
  const { issuer, issueToken, clientCredentials } = await start(t, {
    clients: [{ client_id: 'other', client_secret: 's'.repeat(32), redirect_uris: [redirectUrl] }]
  })
  const own = await verify(issuer, await issueToken({ resource: api.resource, scopes: ['todo:read'] }))
  t.match(own.payload, { aud: api.resource, sub: clientCredentials.clientId, scope: 'todo:read' })

  const { payload } = await verify(issuer, await issueToken({
    resource: api.resource, scopes: [], subject: 'ada', clientId: 'other', expiresInSeconds: 5
  }))
  t.match(payload, { sub: 'ada', client_id: 'other' })
  t.equal(payload['scope'], undefined)
  t.equal(Number(payload.exp) - Number(payload.iat), 5)
  await t.rejects(issueToken({ resource: 'http://other.example', scopes: [] }), {
    message: 'unknown resource: http://other.example'
  })
})

t.test('an opaque token can be introspected by a client with a secret, and by no other', async (t) => {
  const opaque = { resource: 'http://localhost:3003/mcp', scopes: ['todo:read'], format: 'opaque' as const }
  const { issuer, issueToken, addResource, clientCredentials } = await start(t)
  addResource(opaque)
  const introspect = async (
    token: string, headers: Record<string, string>, parameters = {}
  ): Promise<Record<string, unknown>> => {
    const body = new URLSearchParams({ token, ...parameters })
    const response = await fetch(`${issuer}/token/introspection`, { method: 'POST', headers, body })
    return await response.json() as Record<string, unknown>
  }
  const issued = await issueToken({ resource: opaque.resource, scopes: ['todo:read'], subject: 'ada' })
  const { access_token: loggedIn, clientId } = await logIn(issuer, {
    scope: 'todo:read', resource: opaque.resource, login_hint: 'ada'
  })

  for (const token of [issued, loggedIn]) {
    t.notMatch(token, /\./)
    t.match(await introspect(token, basic(clientCredentials)), {
      active: true,
      iss: issuer,
      aud: opaque.resource,
      sub: 'ada',
      scope: 'todo:read',
      client_id: String,
      exp: Number,
      token_type: 'Bearer'
    })
  }
  t.same(await introspect(loggedIn, {}, { client_id: clientId }), { active: false })
  t.same(await introspect('unknown', basic(clientCredentials)), { active: false })
  t.match(await introspect(issued, {}), { error: 'invalid_request' })
})

t.test('a web page on this machine may register and get tokens, another may not read any', async (t) => {
  const { issuer } = await start(t)
  const inspector = 'http://localhost:6274'
  for (const path of ['/reg', '/token', '/.well-known/oauth-authorization-server']) {
    const preflight = await fetch(issuer + path, {
      method: 'OPTIONS',
      headers: {
        origin: inspector,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type'
      }
    })
    t.equal(preflight.status, 204)
    t.match(preflight.headers.get('access-control-allow-origin'), /^(\*|http:\/\/localhost:6274)$/)
  }
  const { client_id: clientId } = await register(issuer)
  const askFrom = async (origin: string): Promise<string | null> => (await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { origin },
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: String(clientId), code: 'x'
    })
  })).headers.get('access-control-allow-origin')
  t.equal(await askFrom(inspector), inspector)
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
    t.equal(await askFrom(origin), null, origin)
  }
})

t.test('a taken port is an error that names it', async (t) => {
  const blocker = createServer()
  await new Promise<void>((resolve) => { blocker.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  await t.rejects(startAuthorizationServer({ port, resources: [] }), {
    name: 'PortTaken', port, message: `port ${port} for the authorization server is already in use`
  })
})
