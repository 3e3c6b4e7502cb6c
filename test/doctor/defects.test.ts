import t from 'tap'
import { GROUPS } from '../../src/doctor/groups.js'
import { sendJson } from '../helpers/issuer.js'
import { examineSample, unmet } from './examination.js'
import { startSampleServer, type Defect, type SampleServer } from './sample-server.js'

type Arrange = (server: SampleServer) => void

/** A server with one fault, and everything that the doctor must report about it, with a good token. */
interface Case {
  readonly name: string
  readonly defects?: readonly Defect[]
  readonly arrange?: Arrange
  readonly unmet: readonly string[]
}

function setMetadata (members: Record<string, unknown>): Arrange {
  return (server) => { Object.assign(server.metadata, members) }
}

function setIssuer (members: Record<string, unknown>): Arrange {
  return ({ issuer }) => { Object.assign(issuer.metadata, members) }
}

function removeRoute (path: string): Arrange {
  return ({ issuer }) => { issuer.routes.delete(path) }
}

function addKey (key: Record<string, unknown>): Arrange {
  return ({ issuer }) => { issuer.keys.push(key) }
}

const UNUSABLE_KEYS: Arrange = ({ issuer }) => {
  issuer.keys = [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, null, { ...issuer.key.jwk, use: 'enc' }]
}

const METADATA_WITHOUT_CORS: Arrange = ({ issuer }) => {
  const path = '/.well-known/oauth-authorization-server'
  issuer.routes.set(path, (_request, response) => sendJson(response, issuer.metadata))
}

const CASES: readonly Case[] = [
  { name: 'a correct server', unmet: [] },
  { name: 'responses that are event streams and stay open', defects: ['streams'], unmet: [] },
  { name: 'a legacy server with sessions', defects: ['legacy'], unmet: [] },
  { name: 'a redirect', defects: ['redirects'], unmet: ['no-redirect: fail'] },
  {
    name: 'no authentication',
    defects: ['open'],
    unmet: ['post-unauthenticated: fail', 'get-unauthenticated: fail', 'head-unauthenticated: fail']
  },
  {
    name: 'any URL with ".well-known" in it exempt',
    defects: ['exempts-well-known'],
    unmet: ['exempt-paths: fail']
  },
  { name: 'GET unprotected', defects: ['get-open'], unmet: ['get-unauthenticated: fail'] },
  { name: 'HEAD unprotected', defects: ['head-open'], unmet: ['head-unauthenticated: fail'] },
  { name: 'DELETE unprotected', defects: ['delete-open'], unmet: ['delete-unauthenticated: fail'] },
  {
    name: '401 without a challenge',
    defects: ['no-challenge'],
    unmet: ['challenge-syntax: fail', 'token-garbage-error: warn']
  },
  {
    name: 'a challenge that no one can parse',
    defects: ['malformed-challenge'],
    unmet: ['challenge-syntax: fail', 'token-garbage-error: warn']
  },
  { name: 'two Bearer challenges', defects: ['two-challenges'], unmet: ['challenge-syntax: fail'] },
  {
    name: 'a challenge without resource_metadata',
    defects: ['advertises-nothing'],
    unmet: ['challenge-resource-metadata: warn']
  },
  {
    name: 'resource_metadata of another machine',
    defects: ['advertises-nowhere'],
    unmet: ['metadata-advertised: fail']
  },
  {
    name: 'invalid_token without a token',
    defects: ['error-without-token'],
    unmet: ['challenge-no-error: warn']
  },
  { name: 'no scope in the challenge', defects: ['no-scope'], unmet: ['challenge-scope: warn'] },
  { name: 'offline_access in the challenge', defects: ['offline-access'], unmet: ['scopes-own: warn'] },
  {
    name: 'offline_access in the metadata',
    arrange: setMetadata({ scopes_supported: ['read', 'offline_access', 'openid'] }),
    unmet: ['scopes-own: warn']
  },
  { name: '401 with a body of text', defects: ['text-body'], unmet: ['challenge-body: warn'] },
  {
    name: 'any token accepted',
    defects: ['accepts-any-token'],
    unmet: [
      'token-garbage: fail', 'token-altered: fail', 'token-unsigned: fail', 'token-other-audience: fail'
    ]
  },
  {
    name: 'a bad token answered like no token',
    defects: ['no-invalid-token'],
    unmet: ['token-garbage-error: warn']
  },
  { name: 'Basic credentials accepted', defects: ['accepts-basic'], unmet: ['basic-credentials: fail'] },
  { name: 'tokens read from the query', defects: ['reads-query'], unmet: ['query-token: fail'] },
  {
    name: 'the scheme compared with regard to case',
    defects: ['case-sensitive'],
    unmet: ['scheme-case: fail']
  },
  {
    name: 'the first of two Authorization headers used',
    defects: ['first-header-counts'],
    unmet: ['two-authorization-headers: warn']
  },
  {
    name: 'the last of two Authorization headers used',
    defects: ['last-header-counts'],
    unmet: ['two-authorization-headers: warn']
  },
  {
    name: 'no protected resource metadata',
    defects: ['no-metadata'],
    unmet: ['metadata-found: fail', 'metadata-advertised: fail']
  },
  {
    name: 'metadata behind authentication',
    defects: ['metadata-protected'],
    unmet: ['metadata-found: fail', 'metadata-advertised: fail']
  },
  { name: 'metadata only at the root', defects: ['root-metadata-only'], unmet: ['metadata-path: fail'] },
  { name: 'metadata only with the path', defects: ['no-root-metadata'], unmet: [] },
  {
    name: 'two documents about one resource',
    defects: ['two-documents'],
    unmet: ['metadata-root: warn', 'metadata-consistent: warn']
  },
  {
    name: 'metadata of another resource',
    arrange: setMetadata({ resource: 'http://localhost:3002/' }),
    unmet: ['metadata-resource: fail']
  },
  {
    name: 'metadata without authorization servers',
    arrange: setMetadata({ authorization_servers: [] }),
    unmet: ['metadata-authorization-servers: fail', 'metadata-empty-lists: fail', 'token-issuer: warn']
  },
  {
    name: 'an authorization server that is not a URL',
    arrange: setMetadata({ authorization_servers: ['auth.example'] }),
    unmet: [
      'metadata-authorization-servers: fail', 'as-metadata: fail', 'as-https: fail', 'token-issuer: warn'
    ]
  },
  {
    name: 'metadata that allows tokens in the query',
    arrange: setMetadata({ bearer_methods_supported: ['header', 'query'] }),
    unmet: ['metadata-bearer-methods: fail']
  },
  {
    name: 'an empty list of scopes',
    arrange: setMetadata({ scopes_supported: [] }),
    unmet: ['metadata-empty-lists: fail']
  },
  {
    name: 'scopes joined into one',
    arrange: setMetadata({ scopes_supported: ['read write'] }),
    unmet: ['metadata-scopes: warn']
  },
  { name: 'metadata as text', defects: ['metadata-as-text'], unmet: ['metadata-content-type: fail'] },
  { name: 'metadata without CORS', defects: ['metadata-without-cors'], unmet: ['metadata-cors: warn'] },
  { name: 'metadata without HEAD', defects: ['metadata-without-head'], unmet: ['metadata-head: warn'] },
  {
    name: 'a document of more than 1 MiB',
    defects: ['metadata-too-large'],
    unmet: ['metadata-found: fail', 'metadata-advertised: fail']
  },
  { name: 'Origin not checked', defects: ['origin-unchecked'], unmet: ['foreign-origin: fail'] },
  { name: 'preflights asked for credentials', defects: ['preflight-protected'], unmet: ['preflight: warn'] },
  {
    name: 'a literal * for the allowed headers',
    defects: ['preflight-star'],
    unmet: ['preflight-headers: warn']
  },
  { name: 'refusals without CORS', defects: ['refusals-without-cors'], unmet: ['cors-exposed: warn'] },
  {
    name: 'any origin allowed with credentials',
    defects: ['cors-with-credentials'],
    unmet: ['cors-credentials: warn']
  },
  {
    name: 'an authorization server without metadata',
    arrange: ({ issuer }) => { issuer.routes.clear() },
    unmet: ['as-metadata: fail']
  },
  {
    name: 'another issuer in its metadata',
    arrange: ({ issuer }) => { issuer.metadata['issuer'] = `${issuer.issuer}/` },
    unmet: ['as-issuer: fail']
  },
  {
    name: 'endpoints without TLS',
    arrange: setIssuer({ authorization_endpoint: 'http://auth.example/authorize' }),
    unmet: ['as-https: fail']
  },
  {
    name: 'no authorization endpoint',
    arrange: setIssuer({ authorization_endpoint: undefined }),
    unmet: ['as-endpoints: fail']
  },
  {
    name: 'PKCE not mentioned',
    arrange: setIssuer({ code_challenge_methods_supported: undefined }),
    unmet: ['as-pkce: fail']
  },
  {
    name: 'PKCE only with plain',
    arrange: setIssuer({ code_challenge_methods_supported: ['plain'] }),
    unmet: ['as-pkce: fail']
  },
  {
    name: 'no registration',
    arrange: setIssuer({ registration_endpoint: undefined }),
    unmet: ['as-registration: warn']
  },
  {
    name: 'client metadata documents instead of registration',
    arrange: setIssuer({ registration_endpoint: undefined, client_id_metadata_document_supported: true }),
    unmet: []
  },
  {
    name: 'scopes that the authorization server does not know',
    arrange: setIssuer({ scopes_supported: ['openid', 'roles', 'read'] }),
    unmet: ['as-scopes: warn']
  },
  {
    name: 'scopes that the authorization server knows',
    arrange: setIssuer({ scopes_supported: ['openid', 'read', 'write'] }),
    unmet: []
  },
  {
    name: 'an authorization server that lists only the scopes of OpenID Connect',
    arrange: setIssuer({ scopes_supported: ['openid', 'offline_access', 'email'] }),
    unmet: []
  },
  {
    name: 'no iss in authorization responses',
    arrange: setIssuer({ authorization_response_iss_parameter_supported: undefined }),
    unmet: ['as-iss-parameter: warn']
  },
  { name: 'no key that can be used', arrange: UNUSABLE_KEYS, unmet: ['as-keys: fail'] },
  {
    name: 'a shared secret among the keys',
    arrange: addKey({ kty: 'oct', k: 'c2VjcmV0' }),
    unmet: ['as-keys: fail']
  },
  {
    name: 'the private half of a key published',
    arrange: ({ issuer }) => { issuer.keys.push({ ...issuer.key.jwk, d: 'AQAB' }) },
    unmet: ['as-keys: fail']
  },
  { name: 'no JWK Set where it should be', arrange: removeRoute('/jwks'), unmet: ['as-keys: fail'] },
  {
    name: 'no CORS for the metadata of the authorization server',
    arrange: METADATA_WITHOUT_CORS,
    unmet: ['as-metadata-cors: warn']
  },
  { name: 'no CORS at the token endpoint', arrange: removeRoute('/token'), unmet: ['as-token-cors: warn'] },
  {
    name: 'signatures not verified',
    defects: ['signature-unchecked'],
    unmet: ['token-altered: fail', 'token-unsigned: fail']
  },
  { name: 'alg none accepted', defects: ['accepts-none'], unmet: ['token-unsigned: fail'] },
  { name: 'audience not checked', defects: ['any-audience'], unmet: ['token-other-audience: fail'] },
  {
    name: 'headers not compared with the body',
    defects: ['headers-unchecked'],
    unmet: ['header-mismatch: fail']
  },
  {
    name: 'a mismatch without its code',
    defects: ['mismatch-without-code'],
    unmet: ['header-mismatch: warn']
  },
  { name: 'batches accepted', defects: ['batches'], unmet: ['batch: fail'] },
  { name: 'duplicate members accepted', defects: ['duplicates'], unmet: ['duplicate-members: warn'] },
  {
    name: 'success for a tool that does not exist',
    defects: ['any-tool-succeeds'],
    unmet: ['unknown-tool: fail']
  },
  { name: '401 instead of 403', defects: ['unknown-tool-401'], unmet: ['unknown-tool: fail'] },
  { name: 'a complete step-up challenge', defects: ['step-up'], unmet: [] },
  {
    name: 'a step-up challenge without scope',
    defects: ['incomplete-step-up'],
    unmet: ['step-up-challenge: warn']
  },
  { name: 'a step-up only in the body', defects: ['step-up-in-body'], unmet: ['step-up-challenge: warn'] }
]

/**
 * About what may be absent, about registrations, about whether there is a server at all, and about the token.
 */
const TESTED_ELSEWHERE = [
  'reachable', 'https', 'health', 'as-register', 'as-register-scopes', 'as-register-bound',
  'as-register-metadata', 'as-register-deleted', 'token-algorithm', 'token-kind', 'token-audience',
  'token-lifetime', 'token-accepted', 'tools-list'
]

for (const { name, defects = [], arrange = () => {}, unmet: expected } of CASES) {
  t.test(`${name}: ${expected.join(', ') || 'nothing to report'}`, async (t) => {
    const server = await startSampleServer(t, defects)
    arrange(server)
    const token = await server.token()
    const otherToken = await server.token({ aud: 'https://other.example/mcp' })
    t.strictSame(unmet(await examineSample(server.url, { token, otherToken })), expected)
  })
}

t.test('every check is shown to find something', async (t) => {
  const found = new Set(CASES.flatMap(({ unmet }) => unmet.map((line) => line.split(':')[0])))
  const ids = GROUPS.flatMap(({ checks }) => checks.map(({ id }) => id))
  t.strictSame(ids.filter((id) => !found.has(id)), TESTED_ELSEWHERE)
  t.equal(new Set(ids).size, ids.length, 'no id is used twice')
})
