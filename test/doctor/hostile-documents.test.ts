import t from 'tap'
import { formatJson, formatText } from '../../src/doctor/report.js'
import { examineSample, findingOf } from './examination.js'
import { startSampleServer } from './sample-server.js'

const DEEP = 200_000

/** JSON that only a loop can read: whatever recurses over it exhausts the stack. */
function nested (depth = DEEP): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

t.test('a deeply nested document of an authorization server is a finding', async (t) => {
  const server = await startSampleServer(t)
  for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
    server.issuer.routes.set(path, (_request, response) => {
      const metadata = JSON.stringify({ issuer: server.issuer.issuer })
      response.end(`${metadata.slice(0, -1)},"code_challenge_methods_supported":${nested()}}`)
    })
  }
  const findings = await examineSample(server.url)
  const { result, detail } = findingOf(findings, 'as-metadata')
  t.equal(result, 'fail')
  t.match(detail, /not a JSON object of at most 64 levels/)
})

t.test('deeply nested keys are a finding', async (t) => {
  const server = await startSampleServer(t)
  server.issuer.routes.set('/jwks', (_request, response) => { response.end(`{"keys":${nested()}}`) })
  const { result, detail } = findingOf(await examineSample(server.url), 'as-keys')
  t.equal(result, 'fail')
  t.match(detail, /without a JWK Set/)
})

t.test('deeply nested protected resource metadata is a finding', async (t) => {
  const server = await startSampleServer(t)
  server.metadata['bearer_methods_supported'] = JSON.parse(nested(1_000))
  const { result, detail } = findingOf(await examineSample(server.url), 'metadata-found')
  t.equal(result, 'fail')
  t.match(detail, /not a JSON object of at most 64 levels/)
})

t.test('a report is printable ASCII, whatever a server writes into its documents', async (t) => {
  const server = await startSampleServer(t)
  const odd = 'https://\u202eauth.example\u009b2J\u2028\u{e0041}/'
  server.metadata['authorization_servers'] = [odd]
  const findings = await examineSample(server.url)
  const json = formatJson(server.url, findings)
  t.match(json, /^[\n\x20-\x7e]+$/)
  t.strictSame(JSON.parse(json).findings, findings, 'and still the same document')
  t.match(formatText(server.url, findings), /\\u202eauth\.example\\u009b2J\\u2028\\udb40\\udc41/)
})
