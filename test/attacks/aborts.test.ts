// Clients that leave at any moment: within the head or the body, while the token is verified, before or
// within the response, in the middle of a stream; over and over. Fell for it: @fastify/reply-from and undici
// pools that kept what nobody waited for; DEMOS and SDK servers that keep transports for ever (pitfalls 38);
// the "rapid reset" kind of attack (CVE-2023-44487). It fails here because whoever leaves takes the other
// side along (F5): afterwards no upstream request is open, no timer of a stream is left, and the next call is
// served at once. A long run: ATTACK_ABORTS=100000 npx tap --timeout=1200 and this file.
import t from 'tap'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { seededRandom } from '../fuzz/mutate.js'
import { createTestClock } from '../helpers/clock.js'
import { openSocket } from '../helpers/raw-connection.js'
import { rawRequest } from '../helpers/raw-http.js'
import { type Scene, startScene } from '../helpers/scene.js'
import { until } from '../helpers/until.js'
import { PERMITTED_CALL, stillWorks } from './assertions.js'

const COUNT = Number(process.env['ATTACK_ABORTS'] ?? 5000)
const SEED = Number(process.env['ATTACK_SEED'] ?? Date.now() % 1_000_000)
const AT_ONCE = 64
/** Connections to the authorization server may still be open: fetch keeps them for a while. */
const MOST_IDLE = 6

/** Answers in one of several ways, some of them never ending; counts the requests that are not over. */
function answerSomehow (random: () => number): {
  readonly open: () => number, answer (request: IncomingMessage, response: ServerResponse): void
} {
  let open = 0
  return {
    open: () => open,
    answer (_request, response) {
      open++
      response.once('close', () => { open-- })
      const way = random()
      if (way < 0.2) answerJson(response)
      else if (way < 0.4) setImmediate(() => answerJson(response))
      else if (way < 0.5) response.setHeader('x-never', 'sent')
      else if (way < 0.6) response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 }).write('{')
      else if (way < 0.65) response.destroy()
      else if (way < 0.7) response.writeHead(307, { location: '/mcp/' }).end()
      else if (way < 0.75) response.writeHead(401).end()
      else stream(response, way < 0.9 ? Infinity : 20)
    }
  }
}

function answerJson (response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
}

/** Writes so many events; without a number one, and then nothing more. */
function stream (response: ServerResponse, events: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 's' }).write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n')
  function tell (left: number): void {
    if (left === 0 || response.destroyed) response.end()
    else setImmediate(() => response.write('data: {}\n\n', () => tell(left - 1)))
  }
  if (events < Infinity) tell(events)
}

/** Sends a request, or a part of one, and leaves at a random moment. */
async function leaveEarly (
  { gateway, token, readToken }: Scene, stranger: () => Promise<string>, random: () => number
): Promise<void> {
  const socket = await openSocket(gateway)
  const kind = random()
  const own = kind < 0.2 ? readToken : token
  const credentials = kind < 0.05 ? undefined : kind < 0.15 ? await stranger() : own
  const bytes = random() < 0.4
    ? rawRequest(gateway, { method: random() < 0.8 ? 'GET' : 'DELETE', token: credentials, headers: ['Accept: text/event-stream'] })
    : rawRequest(gateway, { token: credentials, body: random() < 0.2 ? PERMITTED_CALL.replace('tools/call', 'subscriptions/listen').replace('"arguments"', '"notifications"') : PERMITTED_CALL })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const moment = random()
  if (moment < 0.2) socket.write(bytes.subarray(0, Math.floor(random() * bytes.length)))
  else if (moment < 0.3) writeInPieces(socket, bytes, random)
  else socket.write(bytes)
  leave(socket, random)
  await closed
}

function writeInPieces (socket: Socket, bytes: Buffer, random: () => number): void {
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(random() * 200)
    socket.write(bytes.subarray(at, end))
    at = end
  }
}

function leave (socket: Socket, random: () => number): void {
  const isReset = random() < 0.6
  const go = (): void => { isReset ? socket.resetAndDestroy() : socket.destroy() }
  const when = random()
  const turns = Math.floor(random() * 12)
  if (when < 0.1) go()
  else if (when < 0.5) soon(turns, go)
  else {
    // With the first bytes of a response, or after a while when there is none.
    socket.once('data', () => soon(turns, go))
    soon(40, go)
  }
}

/** The timer of a gateway on which nothing is asked: it looks for requests that take long. */
const OF_GATEWAY = 1

/** Calls back after some turns of the event loop. */
function soon (turns: number, callback: () => void): void {
  if (turns <= 0) callback()
  else setImmediate(() => soon(turns - 1, callback))
}

async function reachHealth (origin: string): Promise<void> {
  await (await fetch(`${origin}/health`)).arrayBuffer()
}

t.test(`${COUNT} clients leave at random moments and nothing of them stays behind (seed ${SEED})`, { timeout: 60_000 + COUNT * 20 }, async (t) => {
  const random = seededRandom(SEED)
  const clock = createTestClock()
  const scene = await startScene(t, { upstreamPath: '/mcp', clock })
  const { gateway, issuer, upstream } = scene
  const plain = upstream.answer
  const somehow = answerSomehow(random)
  upstream.answer = somehow.answer
  // A token that was never seen makes the gateway wait for its verification.
  let serial = 0
  const strangers = await Promise.all(
    Array.from({ length: 200 }, () => issuer.token({ aud: gateway.resource, jti: String(serial++) }))
  )
  const stranger = async (): Promise<string> => strangers[Math.floor(random() * strangers.length)] as string

  let left = COUNT
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      await leaveEarly(scene, stranger, random)
      // Whoever leaves at once need not wait to be accepted; this waits for the queue.
      if (left % 100 === 0) await reachHealth(gateway.origin)
    }
  }))

  // What was sent before its sender left may still arrive: until nothing has, for as long as several
  // responses take.
  for (let quiet = 0, received = 0, rounds = 0; quiet < 10 && rounds < 2000; rounds++) {
    await reachHealth(gateway.origin)
    const isIdle = somehow.open() === 0 && clock.pending() === OF_GATEWAY
    quiet = isIdle && received === upstream.received.length ? quiet + 1 : 0
    received = upstream.received.length
  }
  t.equal(somehow.open(), 0, 'no request at the upstream is still open')
  t.equal(clock.pending(), OF_GATEWAY, 'no stream is still on the list')
  upstream.answer = plain
  await stillWorks(t, scene)
  const busy = upstream.connections()
  await Promise.all(Array.from(
    { length: 20 }, async () => { t.equal((await gateway.post(scene.token, PERMITTED_CALL)).status, 200) }
  ))
  t.ok(upstream.connections() <= busy + 20, 'connections are used again')
  t.equal(gateway.log.filter(({ event }) => event === 'failure').length, 0, 'nothing failed within the gateway')
  await gateway.stop() // waits for whatever is in flight, and the clock stands still
  await upstream.stop()
  const sockets = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length
  await until(() => sockets() <= MOST_IDLE, 'the sockets are closed').catch(() => {})
  t.ok(sockets() <= MOST_IDLE, `${sockets()} sockets are left`)
})
