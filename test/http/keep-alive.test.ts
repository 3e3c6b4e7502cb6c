import type { Socket } from 'node:net'
import t from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { startRawUpstream } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

/** Ways of closing a connection that the upstream has not announced to close. */
const CLOSINGS: Readonly<Record<string, (socket: Socket) => void>> = {
  'at once': (socket) => { socket.end() },
  'at once, with a reset': (socket) => { socket.resetAndDestroy() },
  'in the next turn': (socket) => { setImmediate(() => socket.end()) },
  'a moment later': (socket) => { setTimeout(() => socket.end(), 1) },
  'a moment later, with a reset': (socket) => { setTimeout(() => socket.resetAndDestroy(), 1) }
}

for (const [name, close] of Object.entries(CLOSINGS)) {
  t.test(`F6: an upstream that closes idle connections ${name} costs no call twice, and none an error of ours`, async (t) => {
    const ids: number[] = []
    const upstream = await startRawUpstream(t, (socket, request) => {
      ids.push((JSON.parse(request.slice(request.indexOf('\r\n\r\n'))) as { id: number }).id)
      socket.write(OK, () => close(socket))
    })
    const { gateway, token } = await startScene(t, { upstreamOrigin: upstream.origin })
    const statuses = new Map<number, number>()
    for (let id = 0; id < 100; id++) {
      const response = await gateway.post(token, toolCall('list_todos', {}, id))
      await response.text()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    }
    t.comment(JSON.stringify([...statuses]))
    t.equal(new Set(ids).size, ids.length, 'nothing was sent twice')
    t.ok([...statuses.keys()].every((status) => status === 200 || status === 502), [...statuses.keys()].join(' '))
    // A call that lost the race was written to a connection that was about to close. Nobody can tell
    // whether it was read, so it is not sent again (F6): it is a failure of the upstream.
    t.ok((statuses.get(200) ?? 0) > 0)
  })
}

t.test('an upstream that announces how long it keeps connections never loses the race', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  let sent = 0
  for (; sent < 100; sent++) t.equal((await gateway.post(token, toolCall('list_todos', {}, sent))).status, 200)
  t.equal(upstream.received.length, sent)
})
