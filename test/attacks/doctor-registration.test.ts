/**
 * `doctor --register` writes to servers that the examined server chose. It must not become a tool with which
 * one server changes things at another.
 */
import t from 'tap'
import { createSend } from '../../src/doctor/exchange.js'
import { createReach } from '../../src/doctor/reach.js'
import { tryRegistration } from '../../src/doctor/registration.js'
import { formatJson, formatText } from '../../src/doctor/report.js'
import { examineSample, findingOf, unmet } from '../doctor/examination.js'
import { startRegisteringServer } from '../doctor/registering-server.js'
import { startSampleServer } from '../doctor/sample-server.js'
import { startUpstream } from '../helpers/upstream.js'

t.test('no DELETE goes to another server, however its URL is written', async (t) => {
  const victim = await startSampleServer(t)
  const { port } = new URL(victim.origin)
  const urls = [
    `${victim.origin}/accounts/1`, `http://localhost:${port}/accounts/1`, `http://2130706433:${port}/x`,
    `//127.0.0.1:${port}/x`, `http://user:secret@127.0.0.1:${port}/x`, `\thttp://127.0.0.1:${port}/x`
  ]
  for (const url of urls) {
    const server = await startRegisteringServer(t, { response: { registration_client_uri: url } })
    const findings = await examineSample(server.url, { register: true })
    t.match(findingOf(findings, 'as-register-deleted'), { result: 'warn' }, url)
  }
  t.strictSame(victim.received, [])
})

t.test('a public server does not have clients registered at a private one', async (t) => {
  const inside = await startRegisteringServer(t)
  const reach = createReach()
  reach.note('203.0.113.7')
  const send = createSend({ timeoutMs: 5_000, requests: 9, secrets: [], reach })
  const examined = new URL('https://mcp.example/mcp')
  const endpoint = inside.issuer.metadata['registration_endpoint'] as string
  t.match(await tryRegistration({ endpoint, examined, send }, ['read']), { kind: 'refused', problem: /^not sent: / })
  t.strictSame(inside.posted, [])
})

t.test('neither the operator\'s token nor the registration\'s is sent elsewhere or printed', async (t) => {
  const server = await startRegisteringServer(t, { deleteStatus: 500 })
  const token = await server.token()
  const findings = await examineSample(server.url, { register: true, token })
  t.notOk(JSON.stringify(server.posted).includes(token))
  for (const text of [formatJson(server.url, findings), formatText(server.url, findings)]) {
    t.notOk(text.includes('registration-token-of-the-test'))
    t.notOk(text.includes(token))
  }
})

t.test('what a server registers instead is quoted, and cannot steer a terminal', async (t) => {
  const odd = '\u001b[2J\u202e\u2028evil'
  const server = await startRegisteringServer(t, {
    response: { client_id: odd, token_endpoint_auth_method: odd, scope: `read write ${odd}`, registration_client_uri: odd }
  })
  const text = formatText(server.url, await examineSample(server.url, { register: true }))
  for (const character of odd.slice(0, 1) + '\u202e\u2028') t.notOk(text.includes(character))
  t.match(text, /client "\\u001b\[2J\\u202e\\u2028evil" is still there/)
})

t.test('an endless or deeply nested response to a registration is a finding', async (t) => {
  const server = await startRegisteringServer(t)
  for (const body of ['{"padding":"' + 'x'.repeat(2_097_152), `{"client_id":"a","x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`]) {
    server.issuer.routes.set('/register', (_request, response) => { response.writeHead(201).end(body) })
    t.strictSame(unmet(await examineSample(server.url, { register: true })), [
      'as-register: fail', 'as-register-deleted: warn'
    ])
  }
})

t.test('100,000 scopes cost one registration and little time', async (t) => {
  const server = await startRegisteringServer(t)
  server.metadata['scopes_supported'] = Array.from({ length: 100_000 }, (_, index) => `s${index}`)
  server.issuer.metadata['scopes_supported'] = ['roles']
  const findings = await examineSample(server.url, { register: true })
  t.match(findingOf(findings, 'as-scopes'), { result: 'warn' })
  t.ok(findingOf(findings, 'as-scopes').detail.length < 300)
})

t.test('an MCP endpoint that calls itself an issuer is examined all the same', async (t) => {
  const answers = [[401, ''], [200, '{"jsonrpc":"2.0","id":"postern-doctor","result":{}}']] as const
  for (const [status, body] of answers) {
    const upstream = await startUpstream(t, ({ url }, response) => {
      const isMetadata = url === '/.well-known/oauth-authorization-server/mcp'
      response.writeHead(isMetadata ? 200 : status, { 'content-type': 'application/json' })
      response.end(isMetadata ? JSON.stringify({ issuer: `${upstream.origin}/mcp` }) : body)
    })
    const findings = await examineSample(`${upstream.origin}/mcp`)
    t.equal(findingOf(findings, 'post-unauthenticated').result, status === 401 ? 'pass' : 'fail')
  }
})
