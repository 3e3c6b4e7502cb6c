// Requests that are abandoned, thousands of them, to use up the descriptors of the gateway and the
// connections of the upstream. Fell for it: undici's Pool, which connects anew for every request that was
// aborted. It fails here because a request ends together with its connection, and none is opened that nobody
// waits for (F5).
import t, { type Test } from 'tap'
import { openHttpUpstream } from '../../src/upstream/http.js'
import type { RequestControl, Upstream, UpstreamRequest } from '../../src/upstream/upstream.js'
import { MESSAGE, startUpstream, type TestUpstream } from '../helpers/upstream.js'
import { until } from '../helpers/until.js'

const COUNT = 200
/** Connections for calls one after the other: the next one may begin a moment before the last one is free. */
const FEW = 2
const STREAM: UpstreamRequest = { method: 'GET', path: '/mcp', headers: { host: 'inner' }, longLived: true }

interface Pair {
  readonly server: TestUpstream
  readonly upstream: Upstream
}

async function startPair (t: Test): Promise<Pair> {
  const server = await startUpstream(t)
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 60_000)
  t.after(() => upstream.close())
  return { server, upstream }
}

/** Sends a request. Resolves with its control at the first bytes of the response. */
function open ({ upstream }: Pair, request: UpstreamRequest): Promise<RequestControl> {
  return new Promise((resolve, reject) => {
    upstream.send(request, (control) => ({
      onResponse: () => {},
      onData: () => { resolve(control); return true },
      onEnd: () => resolve(control),
      onFailure: ({ reason }) => reject(new Error(reason))
    }))
  })
}

function openMany (pair: Pair, request: UpstreamRequest): Promise<RequestControl[]> {
  return Promise.all(Array.from({ length: COUNT }, () => open(pair, request)))
}

/** Sends requests one after the other: what connected before them has arrived at the upstream by then. */
async function callAFewTimes (pair: Pair): Promise<void> {
  for (let left = 20; left > 0; left--) await open(pair, MESSAGE)
}

for (const [name, request] of [['streams', STREAM], ['calls', MESSAGE]] as const) {
  t.test(`F5: ${name} that are abandoned close their connections, and open no others`, async (t) => {
    const pair = await startPair(t)
    const { server } = pair
    const plain = server.answer
    server.answer = (_request, response) => { response.writeHead(200).write('one') }
    const controls = await openMany(pair, request)
    t.equal(server.connections(), COUNT)
    for (const control of controls.slice(COUNT / 2)) control.abort()
    await until(() => server.connections() <= COUNT / 2, 'half of the connections are closed')
    server.answer = plain
    await callAFewTimes(pair)
    t.ok(server.connections() <= COUNT / 2 + FEW, 'the others, and few for the calls')
    for (const control of controls) control.abort()
    await until(() => server.connections() <= FEW, 'few are left')
    await callAFewTimes(pair)
    t.ok(server.connections() <= FEW)
    t.ok(server.accepted() <= COUNT + FEW, `${server.accepted()} connections for ${COUNT} requests`)
  })
}

t.test('F5: requests that are abandoned before any response close their connections, too', async (t) => {
  const pair = await startPair(t)
  const { server, upstream } = pair
  const plain = server.answer
  server.answer = () => {}
  const controls: RequestControl[] = []
  for (let left = COUNT; left > 0; left--) {
    upstream.send(left % 2 === 0 ? STREAM : MESSAGE, (control) => {
      controls.push(control)
      return {
        onResponse: () => {},
        onData: () => true,
        onEnd: () => {},
        onFailure: ({ reason }) => t.fail(reason)
      }
    })
  }
  for (const control of controls.slice(COUNT / 2)) control.abort() // while they connect
  await until(() => server.received.length >= COUNT / 2, 'the others have arrived')
  for (const control of controls) control.abort()
  await until(() => server.connections() === 0, 'all are closed')
  server.answer = plain
  await callAFewTimes(pair)
  t.ok(server.connections() <= FEW)
  t.ok(server.accepted() <= COUNT + FEW, `${server.accepted()} connections for ${COUNT} requests`)
})

t.test('connections are used again, the last one first', async (t) => {
  const pair = await startPair(t)
  await openMany(pair, MESSAGE)
  await callAFewTimes(pair)
  t.ok(pair.server.accepted() <= COUNT)
  t.ok(pair.server.received.length === COUNT + 20)
})
