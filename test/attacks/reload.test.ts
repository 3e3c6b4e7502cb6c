// A configuration that changes while requests are under way: one that was begun under the old rules must not
// be decided by the old and carried out by the new ones, or the other way round; a broken one must not open
// the gateway. Fell for it: proxies that read settings at each step (time of check, time of use, CWE-367);
// policy engines that fail open when their data cannot be read (docker/mcp-gateway, peers). It fails here
// because a reload builds a whole second application and swaps it in (O2).
import t from 'tap'
import { once } from 'node:events'
import { openSocket } from '../helpers/raw-connection.js'
import { rawRequest, sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const READ_ONLY = { policy: { tools: { list_todos: 'todo:read' } }, upstreamHeaders: { 'x-config': 'second' } }

t.test('a request is decided and carried out by the configuration that it began under', async (t) => {
  const scene = await startScene(t, { config: { upstreamHeaders: { 'x-config': 'first' } } })
  const { gateway, token, upstream } = scene
  const bytes = rawRequest(gateway, { token, body: FORBIDDEN_CALL })
  const socket = await openSocket(gateway)
  t.teardown(() => { socket.destroy() })
  // 100 Continue says that the head was read and the request has begun.
  socket.write(rawRequest(gateway, { token, headers: ['Expect: 100-continue'], contentLength: FORBIDDEN_CALL.length }))
  await once(socket, 'data')
  await gateway.reload(READ_ONLY)
  await refuses(t, scene, 'a new one', { token, body: FORBIDDEN_CALL }, { status: 403 })
  socket.write(FORBIDDEN_CALL)
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /)
  t.equal(upstream.received.at(-1)?.headers['x-config'], 'first')
  socket.write(bytes)
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 403 /, 'the next one on the same connection is a new one')
  socket.write(rawRequest(gateway, { token, body: PERMITTED_CALL }))
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /)
  t.equal(upstream.received.at(-1)?.headers['x-config'], 'second')
})

t.test('O2: no request is ever half one configuration and half the other', async (t) => {
  const FIRST = { policy: { tools: { '*': 'todo:read' } }, upstreamHeaders: { 'x-config': 'first' } }
  const SECOND = { policy: { tools: { '*': 'todo:admin' } }, upstreamHeaders: { 'x-config': 'second' }, tokenCacheSeconds: 0 }
  const { gateway, token, upstream } = await startScene(t, { config: FIRST })
  const isOver = new AbortController()
  const statuses = new Map<number, number>()
  const callers = Array.from({ length: 4 }, async () => {
    while (!isOver.signal.aborted) {
      const response = await gateway.post(token, FORBIDDEN_CALL)
      await response.arrayBuffer()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    }
  })
  for (let round = 0; round < 10; round++) {
    await gateway.reload(round % 2 === 0 ? SECOND : FIRST)
    for (let index = 0; index < 5; index++) await sendOne(gateway, { token, body: FORBIDDEN_CALL })
  }
  isOver.abort()
  await Promise.all(callers)
  t.same([...statuses.keys()].sort(), [200, 403])
  t.ok(upstream.received.length > 0)
  t.same(new Set(upstream.received.map(({ headers }) => headers['x-config'])), new Set(['first']))
})

t.test('a configuration that cannot be used changes nothing', async (t) => {
  const scene = await startScene(t)
  const { gateway, readToken } = scene
  const broken: ReadonlyArray<Record<string, unknown>> = [
    { policy: { tools: { 'a*': 'x', '*a': 'y' } } },
    { policy: { tools: { x: { anyOf: 'y' } } } },
    { policy: { implies: { a: ['b'], b: ['a'] } } },
    { policy: { unlisted: 'maybe' } },
    { authorizationServers: [] },
    { audience: [] },
    { upstream: 'ftp://127.0.0.1/' },
    { unknown: true }
  ]
  for (const config of broken) {
    await t.rejects(async () => gateway.reload(config), JSON.stringify(config))
    await refuses(t, scene, 'what was denied', { token: readToken, body: FORBIDDEN_CALL }, { status: 403 })
    await refuses(t, scene, 'what needs a token', { body: PERMITTED_CALL }, { status: 401 })
  }
  await stillWorks(t, scene)
})
