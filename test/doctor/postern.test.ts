import t from 'tap'
import { startGateway } from '../helpers/gateway.js'
import { startTodoStack } from '../helpers/todo-stack.js'
import { startUpstream } from '../helpers/upstream.js'
import { examineSample, findingOf, unmet } from './examination.js'
import { startSampleServer } from './sample-server.js'

t.test('Postern before the todo server passes every check', async (t) => {
  const { gateway, authorizationServer } = await startTodoStack(t)
  authorizationServer.addResource({ resource: 'https://other.example/mcp', scopes: ['todo:read'] })
  const [token, otherToken] = [
    await authorizationServer.issueToken({
      resource: gateway.resource, scopes: ['todo:read'], subject: 'alice'
    }),
    await authorizationServer.issueToken({
      resource: 'https://other.example/mcp', scopes: ['todo:read'], subject: 'alice'
    })
  ]
  const findings = await examineSample(gateway.resource, { token, otherToken })
  t.strictSame(unmet(findings), [])
  const notTried = 'not tried: --register registers a client there and deletes it again'
  t.strictSame(findings.filter(({ result }) => result === 'skip').map(({ id, detail }) => [id, detail]), [
    ['metadata-consistent', 'there is one place only'],
    ['as-scopes', 'its scopes_supported lists only those of OpenID Connect'],
    ['as-register', notTried],
    ['as-register-scopes', notTried],
    ['as-register-bound', notTried],
    ['as-register-metadata', notTried],
    ['as-register-deleted', notTried],
    ['step-up-challenge', 'the tool is denied for good: no scope would help']
  ])
  t.match(
    findingOf(findings, 'tools-list'),
    { result: 'pass', detail: '2 on the first page' },
    'those that todo:read allows'
  )
  t.notOk(JSON.stringify(gateway.log).includes(token))
})

t.test('Postern before any upstream, only with its own responses', async (t) => {
  const sample = await startSampleServer(t)
  const upstream = await startUpstream(t)
  for (const path of ['/mcp', '/', '/tenants/a/mcp']) {
    const gateway = await startGateway(t, {
      upstream: `${upstream.origin}/mcp`,
      issuer: sample.issuer.issuer,
      path,
      config: { defaultScopes: ['todo:read'] }
    })
    const findings = await examineSample(gateway.resource, {
      token: await sample.token({ aud: gateway.resource })
    })
    t.strictSame(unmet(findings), [], path)
  }
})

t.test('a tool that a wildcard puts behind a scope shows Postern\'s step-up', async (t) => {
  const sample = await startSampleServer(t)
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: `${upstream.origin}/mcp`,
    issuer: sample.issuer.issuer,
    config: { policy: { tools: { '*': ['todo:admin', 'todo:write'] } } }
  })
  const findings = await examineSample(gateway.resource, {
    token: await sample.token({ aud: gateway.resource })
  })
  t.match(findingOf(findings, 'step-up-challenge'), { result: 'pass', detail: '"todo:admin todo:write"' })
  t.strictSame(unmet(findings), [], 'the first challenge names the published scopes (A9)')
  t.notOk(upstream.received.some(({ body }) => body.includes('postern-doctor-no-such')))
})
