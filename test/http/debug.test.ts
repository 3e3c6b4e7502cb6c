import t from 'tap'
import { type TestGateway, toolCall } from '../helpers/gateway.js'
import type { LogLine } from '../helpers/process.js'
import { startScene } from '../helpers/scene.js'

function linesOf ({ log }: TestGateway, event: string): readonly LogLine[] {
  return log.filter((line) => line['event'] === event)
}

/** Resolves when the request's last line is there. */
async function ended (gateway: TestGateway, response: Response): Promise<string> {
  await response.arrayBuffer()
  const requestId = response.headers.get('x-request-id') ?? ''
  await gateway.logged((line) => line['event'] === 'request' && line['requestId'] === requestId)
  return requestId
}

t.test('O4: on level debug a call says what its token held, which rule decided, and when the upstream answered', async (t) => {
  const { gateway, token, issuer } = await startScene(t, { logLevel: 'debug' })
  const requestId = await ended(gateway, await gateway.post(token, toolCall('list_todos', { secret: 'argument' })))
  const [accepted, decision, upstream] = gateway.log.filter((line) => line['requestId'] === requestId)
  t.match(accepted, {
    level: 20,
    event: 'token',
    accepted: true,
    issuer: issuer.issuer,
    subject: 'alice',
    scopes: ['todo:read', 'todo:write'],
    expiresAt: Number,
    client: { token: { form: 'jwt', header: { alg: String }, claims: { iss: issuer.issuer, aud: gateway.resource }, otherClaims: ['sub'] } }
  })
  t.match(decision, {
    level: 20,
    event: 'decision',
    decision: 'allow',
    rule: 'tools.list_todos',
    scopes: ['todo:read', 'todo:write'],
    client: { method: 'tools/call', target: 'list_todos' }
  })
  t.match(upstream, { level: 20, event: 'upstream', httpStatus: 200, headerMs: Number })
  t.notMatch(JSON.stringify(gateway.log), /argument/)
})

t.test('O4: on level debug a refusal says what the token claims, what it lacks, and which client it was', async (t) => {
  const { gateway, readToken, tokenWith, upstream } = await startScene(t, { logLevel: 'debug' })
  const wrong = await tokenWith({ aud: ['https://other.example', { deep: {} }], email: 'alice@example.com' })
  const refused = await ended(gateway, await gateway.post(wrong, toolCall('list_todos'), { headers: { 'user-agent': 'test/1', cookie: 'sid=1' } }))
  t.match(linesOf(gateway, 'token').find(({ requestId }) => requestId === refused), {
    accepted: false, client: { detail: /aud/, token: { claims: { aud: ['https://other.example', '(object)'] }, otherClaims: ['sub', 'email'] } }
  })
  t.match(linesOf(gateway, 'refused').find(({ requestId }) => requestId === refused), {
    level: 20, reason: 'invalid_token', client: { userAgent: 'test/1', contentType: 'application/json' }
  })
  t.notMatch(JSON.stringify(gateway.log), /alice@example|sid=1/)

  const denied = await ended(gateway, await gateway.post(readToken, toolCall('create_todo')))
  t.match(linesOf(gateway, 'decision').find(({ requestId }) => requestId === denied), {
    decision: 'deny', reason: 'insufficient_scope', requiredScopes: ['todo:write'], missingScopes: ['todo:write'], scopes: ['todo:read']
  })

  await upstream.stop()
  const broken = await ended(gateway, await gateway.post(readToken, toolCall('list_todos')))
  t.match(linesOf(gateway, 'upstream').find(({ requestId }) => requestId === broken), { failure: 'unreachable', headerMs: Number })
  const opaque = await ended(gateway, await gateway.post('opaque-token-of-somebody', toolCall('list_todos')))
  t.match(linesOf(gateway, 'token').find(({ requestId }) => requestId === opaque), { accepted: false, client: { token: { form: 'opaque' } } })
  t.notMatch(JSON.stringify(gateway.log), /opaque-token-of-somebody/)
})

t.test('on level info there is only the audit event', async (t) => {
  const { gateway, token } = await startScene(t)
  await ended(gateway, await gateway.post(token, toolCall('list_todos')))
  await ended(gateway, await gateway.post(token, toolCall('unlisted')))
  t.strictSame(gateway.log.filter(({ level }) => Number(level) < 30), [])
  t.equal(linesOf(gateway, 'request').length, 2)
})

t.test('O4: the first request of a client, without any credentials, is no warning; every other refusal is', async (t) => {
  const { gateway } = await startScene(t)
  const levelAfter = async (headers: Record<string, string>): Promise<unknown> => {
    const requestId = await ended(gateway, await gateway.post(undefined, toolCall('list_todos'), { headers }))
    return linesOf(gateway, 'request').find((line) => line['requestId'] === requestId)?.['level']
  }
  t.equal(await levelAfter({}), 30)
  t.equal(await levelAfter({ authorization: 'Bearer x' }), 40)
  t.equal(await levelAfter({ authorization: 'Basic eDp5' }), 40)
  t.equal(await levelAfter({ authorization: 'Bearer' }), 40)
})
