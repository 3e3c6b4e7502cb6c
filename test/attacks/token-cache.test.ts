// A token that was accepted is remembered; another one that resembles it, or the same one when it is no
// longer good, must not profit from that. Fell for it: caches keyed by a part or a weak hash of the token;
// FastMCP's response cache across tokens (#4041); caches that outlive exp or a change of audience. It fails
// here because the whole token is the key, for one server of one configuration, and exp and the key set are
// asked on every use (A7, O2).
import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { forgeToken } from '../helpers/keys.js'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses } from './assertions.js'

t.test('A7: only the very token that was accepted is remembered', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer, token } = scene
  const call = { token, body: PERMITTED_CALL }
  await permits(t, scene, 'the token', call)
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const flip = (text: string, at: number): string => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const similar: Record<string, string> = {
    'one character more': `${token}A`,
    'one character less': token.slice(0, -1),
    'padding behind it': `${token}=`,
    'a dot behind it': `${token}.`,
    'another first character of the signature': `${header}.${payload}.${flip(signature, 0)}`,
    'another character in the middle of the payload': `${header}.${flip(payload, payload.length >> 1)}.${signature}`,
    'another payload': forgeToken(JSON.parse(Buffer.from(header, 'base64url').toString()), { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'root' }, Buffer.from(signature, 'base64url')),
    'two of them': `${token}${token}`,
    'another case': token.toLowerCase()
  }
  for (const [name, value] of Object.entries(similar)) {
    const { statuses } = await sendOne(gateway, { ...call, token: value })
    t.match(statuses, [/^40[01]$/], name)
  }
  const bob = await issuer.token({ aud: gateway.resource, sub: 'bob', scope: 'todo:read' })
  for (let round = 0; round < 3; round++) {
    t.equal((await permits(t, scene, 'alice', call)).headers['x-postern-subject'], 'alice')
    t.equal((await permits(t, scene, 'bob', { ...call, token: bob })).headers['x-postern-subject'], 'bob')
  }
  const together = await Promise.all(Array.from({ length: 40 }, (_, index) => gateway.post(index % 2 === 0 ? token : bob, { jsonrpc: '2.0', id: index, method: 'tools/call', params: { name: 'list_todos' } })))
  t.same(together.map(({ status }) => status), Array.from({ length: 40 }, () => 200))
  for (const { headers, body } of scene.upstream.received.slice(-40)) {
    const { id } = JSON.parse(body.toString()) as { id: number }
    t.equal(headers['x-postern-subject'], id % 2 === 0 ? 'alice' : 'bob')
  }
})

t.test('a remembered token is refused once it has expired', async (t) => {
  const clock = createTestClock()
  const scene = await startScene(t, { clock, config: { tokenCacheSeconds: 86_400 } })
  const call = { token: scene.token, body: PERMITTED_CALL }
  await permits(t, scene, 'fresh', call)
  clock.advance(599_000)
  await permits(t, scene, 'a second before it expires', call)
  clock.advance(31_000)
  await refuses(t, scene, 'after expiry and tolerance', call, { status: 401 })
  clock.advance(-60_000)
  await permits(t, scene, 'the refusal is not remembered when the clock is set right', call)
})

t.test('A7: a remembered token is refused when its key is withdrawn, or the configuration no longer takes it', async (t) => {
  const clock = createTestClock()
  const scene = await startScene(t, { clock, config: { tokenCacheSeconds: 86_400 } })
  const { gateway, issuer, token } = scene
  const call = { token, body: PERMITTED_CALL }
  await permits(t, scene, 'at first', call)

  for (const [name, config] of Object.entries({
    'another audience': { audience: ['https://other.example'] },
    'other clients': { authorizationServers: [{ issuer: issuer.issuer, clientIds: ['other'] }] },
    'other algorithms': { authorizationServers: [{ issuer: issuer.issuer, algorithms: ['RS256'] }] },
    'another authorization server': { authorizationServers: ['https://other.example'] }
  })) {
    await gateway.reload({ tokenCacheSeconds: 86_400, ...config })
    await refuses(t, scene, name, call, { status: 401 })
    await gateway.reload({ tokenCacheSeconds: 86_400 })
    await permits(t, scene, 'as before', call)
  }

  await issuer.rotate('second')
  clock.advance(60_000)
  const newer = await issuer.token({ aud: gateway.resource })
  await permits(t, scene, 'a token of the new key, which fetches the keys again', { ...call, token: newer })
  await refuses(t, scene, 'the token of the withdrawn key', call, { status: 401 })
})
