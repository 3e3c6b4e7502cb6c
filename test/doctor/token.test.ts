import t, { type Test } from 'tap'
import type { Finding } from '../../src/doctor/examine.js'
import { forgeToken } from '../helpers/keys.js'
import { examineSample, findingOf, unmet } from './examination.js'
import { startSampleServer, type Defect } from './sample-server.js'

interface Tried {
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly defects?: readonly Defect[]
}

async function examineToken (t: Test, { claims, header, defects }: Tried): Promise<readonly Finding[]> {
  const server = await startSampleServer(t, defects)
  return examineSample(server.url, { token: await server.token(claims, header) })
}

const soon = Math.floor(Date.now() / 1000) + 600
const past = soon - 1200

const CASES: ReadonlyArray<Tried & { readonly name: string, readonly unmet: readonly string[] }> = [
  { name: 'of type JWT', header: { typ: 'JWT' }, unmet: [] },
  { name: 'without a type', header: { typ: undefined }, unmet: [] },
  { name: 'of another type', header: { typ: 'logout+jwt' }, unmet: ['token-kind: fail'] },
  { name: 'with a nonce, which makes it an ID token', claims: { nonce: 'n' }, unmet: ['token-kind: fail'] },
  { name: 'that Cognito issued as an ID token', claims: { token_use: 'id' }, unmet: ['token-kind: fail'] },
  { name: 'for several resources', claims: { aud: ['https://other.example/mcp', 'URL'] }, unmet: [] },
  {
    name: 'for another URL',
    claims: { aud: 'https://other.example/mcp' },
    defects: ['any-audience'],
    unmet: ['token-audience: fail']
  },
  {
    name: 'for a client id',
    claims: { aud: '6a4e3f1c-0000-4000-8000-5f0c7d3b2a10' },
    defects: ['any-audience'],
    unmet: ['token-audience: warn']
  },
  {
    name: 'without audience',
    claims: { aud: undefined },
    defects: ['any-audience'],
    unmet: ['token-audience: warn']
  },
  {
    name: 'of an issuer that is not advertised',
    claims: { iss: 'https://elsewhere.example' },
    defects: ['accepts-any-token'],
    unmet: ['token-garbage: fail', 'token-issuer: warn', 'token-altered: fail', 'token-unsigned: fail']
  },
  { name: 'without exp', claims: { exp: undefined }, unmet: ['token-lifetime: fail'] },
  { name: 'for a week', claims: { exp: soon + 7 * 86400 }, unmet: ['token-lifetime: warn'] },
  { name: 'from the future', claims: { iat: soon }, unmet: ['token-lifetime: warn'] },
  { name: 'that has expired and is refused', claims: { exp: past }, unmet: [] },
  {
    name: 'that has expired and is accepted',
    claims: { exp: past },
    defects: ['expired-accepted'],
    unmet: ['token-accepted: fail']
  }
]

for (const { name, unmet: expected, claims, ...tried } of CASES) {
  t.test(`a token ${name}: ${expected.join(', ') || 'nothing to report'}`, async (t) => {
    const server = await startSampleServer(t, tried.defects)
    const aud = Array.isArray(claims?.['aud']) ? { aud: [claims['aud'][0], server.url] } : {}
    const token = await server.token({ ...claims, ...aud }, tried.header)
    t.strictSame(unmet(await examineSample(server.url, { token })), expected)
  })
}

t.test('a token signed with a shared secret is reported', async (t) => {
  const server = await startSampleServer(t)
  const token = forgeToken(
    { alg: 'HS256', typ: 'at+jwt' },
    { aud: server.url, iss: server.issuer.issuer, exp: soon, iat: soon - 600 },
    Buffer.alloc(32, 1)
  )
  t.strictSame(unmet(await examineSample(server.url, { token })), [
    'token-algorithm: fail', 'token-accepted: fail'
  ])
})

t.test('an opaque token is used; checks that need a JWT are skipped', async (t) => {
  const server = await startSampleServer(t, ['accepts-any-token'])
  const findings = await examineSample(server.url, { token: 'opaque-token-of-the-test' })
  t.equal(findingOf(findings, 'token-accepted').result, 'pass')
  for (const id of [
    'token-algorithm', 'token-kind', 'token-audience', 'token-issuer', 'token-lifetime', 'token-unsigned'
  ]) {
    t.match(findingOf(findings, id), { result: 'skip', detail: 'the token is not a JWT' }, id)
  }
})

t.test('a token that is refused proves nothing about altered ones', async (t) => {
  const findings = await examineToken(t, { claims: { aud: 'https://other.example' } })
  t.match(findingOf(findings, 'token-accepted'), {
    result: 'fail', detail: 'answered 401, error="invalid_token"'
  })
  for (const id of [
    'token-altered', 'token-unsigned', 'two-authorization-headers', 'batch', 'unknown-tool'
  ]) {
    t.equal(findingOf(findings, id).result, 'skip', id)
  }
})

t.test('the other token must be for another resource, and still be good', async (t) => {
  const server = await startSampleServer(t, ['any-audience'])
  const examineOther = async (claims: Record<string, unknown>): Promise<Finding> => {
    const otherToken = await server.token(claims)
    return findingOf(await examineSample(server.url, { otherToken }), 'token-other-audience')
  }
  t.match(await examineOther({}), { result: 'skip', detail: /is for this resource/ })
  t.match(await examineOther({ aud: 'https://other.example', exp: past }), {
    result: 'skip', detail: /has expired/
  })
  t.match(await examineOther({ aud: 'https://other.example' }), { result: 'fail', detail: 'answered 200' })
})
