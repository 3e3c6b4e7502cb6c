import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider/lib/provider.js'
import t, { type Test } from 'tap'
import { formatText } from '../../src/doctor/report.js'
import { listUnseen } from '../../src/doctor/unseen.js'
import { sendJson } from '../helpers/issuer.js'
import { startTodoStack } from '../helpers/todo-stack.js'
import { examineSample, findingOf, unmet } from './examination.js'
import {
  hang, KEYCLOAK_OPTIONAL, KEYCLOAK_SCOPES, likeKeycloak, startRegisteringServer
} from './registering-server.js'
import { startSampleServer } from './sample-server.js'

t.test('without --register nothing is registered, and the report says so', async (t) => {
  const server = await startRegisteringServer(t)
  const findings = await examineSample(server.url)
  t.strictSame(server.posted, [])
  t.strictSame(unmet(findings), [])
  t.notOk(server.issuer.requests.includes('/register'))
  t.match(findingOf(findings, 'as-register'), { result: 'skip', detail: /^not tried: --register / })
})

t.test('clients are registered with the scopes of the challenge, then without, and deleted', async (t) => {
  const server = await startRegisteringServer(t)
  server.metadata['scopes_supported'] = ['read']
  t.strictSame(unmet(await examineSample(server.url, { register: true })), [])
  t.match(server.posted, [
    { scope: 'read', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'] },
    { scope: undefined, token_endpoint_auth_method: 'none' }
  ])
  t.equal(server.clients.size, 0)
})

t.test('without scope in the challenge those of the metadata are registered, as clients do', async (t) => {
  const sample = await startSampleServer(t, ['no-scope'])
  const server = await startRegisteringServer(t)
  sample.metadata['authorization_servers'] = [server.issuer.issuer]
  t.strictSame(unmet(await examineSample(sample.url, { register: true })), ['challenge-scope: warn'])
  t.equal(server.posted[0]?.['scope'], 'read write')
})

t.test('a fresh Keycloak realm: the scopes are unknown, and the registration is refused', async (t) => {
  const server = await startRegisteringServer(t, { register: likeKeycloak([]) })
  server.issuer.metadata['scopes_supported'] = KEYCLOAK_SCOPES
  const quiet = await examineSample(server.url)
  t.strictSame(unmet(quiet), ['as-scopes: warn'], 'without --register')
  t.equal(findingOf(quiet, 'as-scopes').detail, 'not in its scopes_supported: "read write"')
  const findings = await examineSample(server.url, { register: true })
  t.strictSame(unmet(findings), ['as-scopes: warn', 'as-register: fail'])
  t.match(
    findingOf(findings, 'as-register').detail,
    /^"read" is answered 403: "insufficient_scope" "Policy 'Allowed Client Scopes' rejected/
  )
  t.match(findingOf(findings, 'as-register-deleted'), { result: 'skip', detail: 'none was registered' })
})

t.test('a Keycloak realm with the scopes: who registers with them gets no other', async (t) => {
  const server = await startRegisteringServer(t, { register: likeKeycloak(['read', 'write']) })
  server.issuer.metadata['scopes_supported'] = [...KEYCLOAK_SCOPES, 'read', 'write']
  const findings = await examineSample(server.url, { register: true })
  t.strictSame(unmet(findings), ['as-register-bound: warn'])
  t.equal(
    findingOf(findings, 'as-register-bound').detail,
    'it may ask for "read" only; the metadata of the resource also names "write"; ' +
      `a client that registers without scopes also gets "${[...KEYCLOAK_OPTIONAL, 'write'].join(' ')}"`
  )
  t.match(findingOf(findings, 'as-register-bound').advice, /leave defaultScopes out/)
  t.equal(server.clients.size, 0)
})

t.test('a registration that is less than was asked for is said to be', async (t) => {
  const server = await startRegisteringServer(t, {
    register: (asked) => [201, { ...asked, scope: 'openid', grant_types: ['authorization_code'] }],
    response: { token_endpoint_auth_method: 'client_secret_basic' }
  })
  const findings = await examineSample(server.url, { register: true })
  t.strictSame(unmet(findings), [
    'as-register-scopes: fail', 'as-register-bound: warn', 'as-register-metadata: warn'
  ])
  t.equal(findingOf(findings, 'as-register-scopes').detail, 'registered with "openid": without "read"')
  t.equal(
    findingOf(findings, 'as-register-metadata').detail,
    'grant_types: ["authorization_code"], token_endpoint_auth_method: "client_secret_basic"'
  )
})

t.test('a response without scope tells nothing about scopes', async (t) => {
  const server = await startRegisteringServer(t, { response: { scope: undefined } })
  const findings = await examineSample(server.url, { register: true })
  t.strictSame(unmet(findings), [])
  t.match(findingOf(findings, 'as-register-scopes'), { result: 'skip', detail: /^the response does not say/ })
})

const REMAINING: ReadonlyArray<readonly [string, Parameters<typeof startRegisteringServer>[1], RegExp]> = [
  [
    'has no URL for it', { response: { registration_client_uri: undefined } },
    /client "\/clients\/1" is still there: the response has no registration_client_uri/
  ],
  [
    'has no token for it', { response: { registration_access_token: undefined } },
    /^client "\/clients\/1" is still there: the response has no registration_client_uri with/
  ],
  ['refuses it', { deleteStatus: 405 }, /client "\/clients\/2" is still there: DELETE is answered 405/],
  [
    'names another host for it', { response: { registration_client_uri: 'http://127.0.0.1:1/x' } },
    /is not on the host of the registration endpoint/
  ],
  ['names no URL for it', { response: { registration_client_uri: '/x' } }, /is not an absolute URL/],
  ['gives a token that no header can hold', { response: { registration_access_token: 'a\nb' } }, /DELETE: no resp/]
]

for (const [name, options, detail] of REMAINING) {
  t.test(`a client that stays because the server ${name} is named`, async (t) => {
    const server = await startRegisteringServer(t, options)
    server.metadata['scopes_supported'] = ['read']
    const findings = await examineSample(server.url, { register: true })
    t.strictSame(unmet(findings), ['as-register-deleted: warn'])
    t.match(findingOf(findings, 'as-register-deleted').detail, detail)
    t.equal(server.clients.size, 2)
    t.notOk(JSON.stringify(findings).includes('registration-token-of-the-test'))
  })
}

t.test('a server that takes a registration and never answers may have made a client', async (t) => {
  const server = await startRegisteringServer(t)
  server.issuer.routes.set('/register', hang)
  const findings = await examineSample(server.url, { register: true, timeoutMs: 500 })
  t.strictSame(unmet(findings), ['as-register: fail', 'as-register-deleted: warn'])
  t.equal(findingOf(findings, 'as-register-deleted').detail, 'a client may have been made')
})

t.test('a server that answers without a client id may have made a client', async (t) => {
  const server = await startRegisteringServer(t, { response: { client_id: 7 } })
  const findings = await examineSample(server.url, { register: true })
  t.match(findingOf(findings, 'as-register'), { result: 'fail', detail: '"read" is answered 201 without a client_id' })
  t.match(findingOf(findings, 'as-register-deleted'), { result: 'warn', detail: 'a client may have been made' })
})

t.test('a server without a registration endpoint is asked for nothing', async (t) => {
  const server = await startRegisteringServer(t)
  server.issuer.metadata['registration_endpoint'] = undefined
  const findings = await examineSample(server.url, { register: true })
  t.match(findingOf(findings, 'as-register'), { result: 'skip', detail: 'there is no registration_endpoint' })
  t.strictSame(server.posted, [])
})

/** Starts oidc-provider as an authorization server that lets clients manage their registration. */
async function startProvider (t: Test, scopes: string[]): Promise<{ issuer: string, provider: Provider }> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => { http.close(); http.closeAllConnections() })
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    scopes,
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      registrationManagement: { enabled: true }
    }
  } as never)
  provider.silent = true
  http.on('request', provider.callback())
  return { issuer, provider }
}

t.test('oidc-provider: a client with a known scope comes and goes; one with an unknown scope is refused', async (t) => {
  const sample = await startSampleServer(t)
  sample.metadata['scopes_supported'] = ['read']
  const known = await startProvider(t, ['read', 'openid', 'offline_access'])
  const ids: string[] = []
  known.provider.on('registration_create.success', (_context, client) => {
    ids.push((client as { clientId: string }).clientId)
  })
  sample.metadata['authorization_servers'] = [known.issuer]
  const findings = await examineSample(sample.url, { register: true })
  t.strictSame(findings.filter(({ id }) => id.startsWith('as-register')).map(({ id, result }) => [id, result]), [
    ['as-register', 'pass'], ['as-register-scopes', 'pass'],
    ['as-register-bound', 'pass'], ['as-register-metadata', 'pass'], ['as-register-deleted', 'pass']
  ])
  t.equal(ids.length, 2)
  for (const id of ids) t.equal(await known.provider.Client.find(id), undefined, 'it is deleted')

  const unknown = await startProvider(t, ['todo', 'openid', 'offline_access'])
  sample.metadata['authorization_servers'] = [unknown.issuer]
  t.match(findingOf(await examineSample(sample.url, { register: true }), 'as-register'), {
    result: 'fail', detail: /^"read" is answered 400: "invalid_client_metadata" ".*scope/
  })
})

t.test('the demo\'s authorization server registers clients, and keeps them', async (t) => {
  const { gateway } = await startTodoStack(t)
  const findings = await examineSample(gateway.resource, { register: true })
  t.strictSame(unmet(findings), ['as-register-deleted: warn'])
  t.match(findingOf(findings, 'as-register'), { result: 'pass', detail: '"todo:read"' })
})

t.test('what could not be seen is listed', async (t) => {
  const server = await startRegisteringServer(t)
  const without = await examineSample(server.url)
  t.strictSame(listUnseen(without).map(({ check }) => check), [
    'as-scopes', 'as-register', 'token-audience', 'token-accepted', 'token-other-audience'
  ])
  t.ok(formatText(server.url, without).includes(`

Not seen
  ? whether the authorization server knows the scopes that clients will ask for: its metadata has no scopes_supported
  ? whether clients can register with these scopes, and ask for more later: not tried: --register registers a client there and deletes it again
  ? whether the audience of the resource arrives in tokens: needs an access token: --token
`))
  server.issuer.metadata['scopes_supported'] = ['read', 'write']
  const [token, otherToken] = [await server.token(), await server.token({ aud: 'https://other.example/' })]
  const all = await examineSample(server.url, { register: true, token, otherToken })
  t.strictSame(listUnseen(all), [])
  t.notMatch(formatText(server.url, all), /Not seen/)
})

t.test('an issuer is recognised, and examined as an authorization server', async (t) => {
  const server = await startRegisteringServer(t, { register: likeKeycloak([]) })
  const { issuer } = server
  for (const url of [issuer.issuer, `${issuer.issuer}/`]) {
    const findings = await examineSample(url, { register: true, token: 'some-opaque-token' })
    t.strictSame(unmet(findings), [], url)
    t.match(findingOf(findings, 'as-metadata'), { result: 'pass', about: issuer.issuer })
    t.match(findingOf(findings, 'as-keys'), { result: 'pass' })
    t.match(findingOf(findings, 'as-register'), { result: 'pass', detail: 'without scopes' })
    t.match(findingOf(findings, 'post-unauthenticated'), {
      result: 'skip', detail: 'the URL is the issuer of an authorization server'
    })
    const text = formatText(url, findings)
    t.ok(text.startsWith(`${url}\n\nThis is the issuer of an authorization server, not an MCP endpoint.`))
    t.notMatch(text, /\nEndpoint\n|\nChallenge\n/)
  }
  t.equal(server.clients.size, 0)
  issuer.metadata['code_challenge_methods_supported'] = undefined
  t.strictSame(unmet(await examineSample(issuer.issuer)), ['as-pkce: fail'])
})

t.test('an issuer with a path is recognised as well', async (t) => {
  const { issuer } = await startSampleServer(t)
  const realm = `${issuer.origin}/realms/todo`
  issuer.metadata['issuer'] = realm
  issuer.routes.set('/realms/todo/.well-known/openid-configuration', (_request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    sendJson(response, issuer.metadata)
  })
  const findings = await examineSample(realm)
  t.strictSame(unmet(findings), [])
  t.match(findingOf(findings, 'as-metadata'), { detail: 'OpenID Connect, path in front' })
})

t.test('a server that mirrors metadata of another issuer is not taken for one', async (t) => {
  const { issuer } = await startSampleServer(t)
  issuer.metadata['issuer'] = 'https://login.example'
  const findings = await examineSample(issuer.origin)
  t.match(findingOf(findings, 'post-unauthenticated'), { result: 'fail', detail: 'answered 404' })
})
