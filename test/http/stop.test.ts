import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { openConnection } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

t.test('O3: a connection on which nothing was ever sent does not hold up a stop', async (t) => {
  // The clock stands still, so the drain deadline never comes.
  const { gateway, token } = await startScene(t, { clock: createTestClock() })
  const unused = await openConnection(t, gateway.origin)
  await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'ping' })
  await gateway.stop()
  await unused.closed
})
