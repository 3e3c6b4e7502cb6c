import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { defer } from '../helpers/deferred.js'
import { toolCall } from '../helpers/gateway.js'
import { openConnection } from '../helpers/raw-connection.js'
import { startScene } from '../helpers/scene.js'
import { until } from '../helpers/until.js'

t.test('O3: a connection on which nothing was ever sent does not hold up a stop', async (t) => {
  // The clock stands still, so the drain deadline never comes.
  const { gateway, token } = await startScene(t, { clock: createTestClock() })
  const unused = await openConnection(t, gateway.origin)
  await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'ping' })
  await gateway.stop()
  await unused.closed
})

const LAME_DUCK_MS = 1000
/** From then on nobody can connect. */
const ACCEPTING_MS = 750
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'
const CLOSES = /^HTTP\/1\.1 200 [\s\S]*\r\nconnection: close\r\n/i

function postText (token: string, id: number): string {
  const body = JSON.stringify(toolCall('list_todos', {}, id))
  return 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
    `Authorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

t.test('O3: for a moment after the signal, connections old and new are answered, and told to close', async (t) => {
  const clock = createTestClock()
  const { gateway, token } = await startScene(t, { clock })
  const kept = await openConnection(t, gateway.origin)
  kept.write(HEALTH)
  t.notMatch(await kept.until('healthy'), /connection: close/i)
  const quiet = await openConnection(t, gateway.origin)
  quiet.write(HEALTH)
  await quiet.until('healthy')
  const stopped = gateway.stop(LAME_DUCK_MS)

  kept.write(postText(token, 7))
  t.match((await kept.until('"id":7')).replace(/^[\s\S]*?healthy"}/, ''), CLOSES)
  t.equal(await kept.closed, 'end')
  const fresh = await openConnection(t, gateway.origin)
  fresh.write(postText(token, 8))
  t.match(await fresh.until('"id":8'), CLOSES)
  t.equal(await fresh.closed, 'end')

  const late = await openConnection(t, gateway.origin)
  clock.advance(ACCEPTING_MS)
  await until(() => openConnection(t, gateway.origin).then(() => false, () => true), 'nothing is accepted')
  t.notOk(quiet.socket.destroyed)
  late.write(postText(token, 9))
  t.match(await late.until('"id":9'), CLOSES, 'who has just connected can still ask')
  clock.advance(LAME_DUCK_MS - ACCEPTING_MS)
  await quiet.closed
  await stopped
})

t.test('O3: what was sent before the gateway could see it is answered, however short the moment', async (t) => {
  const { gateway, token } = await startScene(t)
  const kept = await openConnection(t, gateway.origin)
  kept.write(HEALTH)
  await kept.until('healthy')
  kept.write(postText(token, 1))
  const others = await Promise.all(Array.from({ length: 50 }, (_, index) => {
    const opened = openConnection(t, gateway.origin)
    return opened.then((other) => {
      other.write(postText(token, index))
      return other
    })
  }))
  await gateway.stop()
  await Promise.all([kept, ...others].map((one) => one.closed))
  t.match(kept.received(), '"id":1')
  for (const other of others) t.match(other.received(), CLOSES)
})

t.test('O3: requests that are sent ahead are all answered, and only the last response says that it is', async (t) => {
  const clock = createTestClock()
  const { gateway, token, upstream } = await startScene(t, { clock })
  const { answer } = upstream
  const held = defer()
  upstream.answer = (...parts) => { held.promise.then(() => answer(...parts), t.threw) }
  const client = await openConnection(t, gateway.origin)
  client.write(postText(token, 1))
  await until(() => upstream.received.length === 1, 'the first has arrived')
  const stopped = gateway.stop(LAME_DUCK_MS)
  client.write(postText(token, 2) + postText(token, 3))
  const other = await openConnection(t, gateway.origin)
  other.write(HEALTH)
  await other.until('healthy') // what was sent before has been read
  held.resolve()
  await client.closed
  const responses = client.received().split('HTTP/1.1 200 OK').slice(1)
  t.equal(responses.length, 3)
  t.same(responses.map((text) => /connection: close/i.test(text)), [false, false, true])
  clock.advance(ACCEPTING_MS)
  await until(() => openConnection(t, gateway.origin).then(() => false, () => true), 'nothing is accepted')
  clock.advance(LAME_DUCK_MS)
  await stopped
})

t.test('O3: a response that is over for the gateway, and not yet for a slow client, is not cut', async (t) => {
  const size = 4 * 1024 * 1024
  const ended = defer()
  const { gateway, token } = await startScene(t, {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(size))
      response.once('finish', () => ended.resolve())
    }
  })
  const slow = await openConnection(t, gateway.origin)
  slow.socket.pause()
  slow.write(postText(token, 1))
  // Its response has ended when the upstream's has; the buffers on the way hold only a part of it.
  await ended.promise
  const stopped = gateway.stop()
  slow.socket.resume()
  await slow.closed
  t.ok(slow.received().length > size)
  await stopped
})

t.test('O3: a response that had begun before the signal does not leave its connection open', async (t) => {
  const clock = createTestClock()
  const { gateway, token, upstream } = await startScene(t, { clock })
  let finish = (): void => {}
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc":"2.0","id":1,')
    finish = () => { response.end('"result":{}}') }
  }
  const client = await openConnection(t, gateway.origin)
  client.write(postText(token, 1))
  await client.until('"id":1')
  const stopped = gateway.stop()
  await until(() => openConnection(t, gateway.origin).then(() => false, () => true), 'nothing is accepted')
  finish()
  t.equal(await client.closed, 'end')
  await stopped
})
