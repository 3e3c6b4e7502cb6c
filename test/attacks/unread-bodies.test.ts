// Bodies that cost more than their bytes, and bodies of strangers. A body in chunks of one byte was an object
// a byte: a few megabytes on the wire ended a process of 512 MiB. Fell for it: whatever is built on Node's
// http server and keeps the chunks, or lets them wait while something else is looked up. And after a 401,
// Node reads and drops the rest of a body for as long as it comes. It fails here because a body is held in
// one piece, the connection is not read while nobody wants the body (A10), and a refusal ends what is not
// complete.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import t from 'tap'
import { serve } from '../commands/serving.js'
import { toolCall } from '../helpers/gateway.js'
import { openConnection, type RawConnection } from '../helpers/raw-connection.js'
import { startScene } from '../helpers/scene.js'

const CHUNKED = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
const POST = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'
const oneByOne = (text: string): string => [...text].map((letter) => `1\r\n${letter}\r\n`).join('')
const resident = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** Writes without an end. Resolves when the connection is gone, with the bytes that were taken. */
async function flood ({ socket, closed }: RawConnection, text: string): Promise<number> {
  const write = (): void => { while (!socket.destroyed && socket.write(text)); }
  socket.on('drain', write)
  write()
  await closed
  return socket.bytesWritten - socket.writableLength
}

t.test('A10: a stranger who goes on sending after the refusal loses the connection', async (t) => {
  const { gateway } = await startScene(t, { path: '/mcp' })
  const endless = await openConnection(t, gateway.origin)
  endless.write(POST + CHUNKED)
  const taken = await flood(endless, `ffff\r\n${'x'.repeat(0xffff)}\r\n`)
  t.match(endless.received(), /^HTTP\/1\.1 401 [\s\S]*\r\nconnection: close\r\n/i, 'the refusal has arrived')
  t.ok(taken < 32 * 1024 * 1024, `${taken} bytes, which is what the buffers of the system hold`)
})

t.test('A10: a refusal of a whole request keeps the connection', async (t) => {
  const { gateway } = await startScene(t, { path: '/mcp' })
  const client = await openConnection(t, gateway.origin)
  client.write(`${POST}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`)
  t.notMatch(await client.until('missing_token'), /connection: close/i)
  client.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await client.until('healthy')
})

t.test('A10: public documents end what is not complete, too', async (t) => {
  const { gateway } = await startScene(t, { path: '/mcp' })
  const client = await openConnection(t, gateway.origin)
  client.write(`GET /health HTTP/1.1\r\nHost: localhost\r\n${CHUNKED}`)
  await client.until('healthy')
  await flood(client, `ffff\r\n${'x'.repeat(0xffff)}\r\n`)
})

const HEAP = { NODE_OPTIONS: '--max-old-space-size=256' }
const STRANGERS = 300

t.test('A10: strangers whose tokens wait cost little, in a heap of 256 MiB', async (t) => {
  const { gateway, url, issuer, call } = await serve(t, {}, HEAP)
  issuer.routes.set('/jwks', () => {}) // whoever needs a key waits
  const { port } = new URL(url)
  const before = resident(gateway.pid)
  const token = await issuer.token({}, { kid: 'unknown' })
  const body = oneByOne('x'.repeat(12_000))
  const request = Buffer.from(`${POST}Authorization: Bearer ${token}\r\n${CHUNKED}${body}`)
  for (let count = 0; count < STRANGERS; count++) {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
    t.after(() => { socket.destroy() })
    await once(socket, 'connect')
    socket.write(request)
  }
  let grown = 0
  for (let look = 0; look < 20; look++) {
    t.equal((await fetch(`${url}/health`)).status, 200)
    grown = Math.max(grown, resident(gateway.pid) - before)
  }
  t.comment(`${grown.toFixed(0)} MiB for ${STRANGERS} strangers`)
  t.ok(grown < 128, `${grown} MiB`)
  t.equal((await call('junk')).status, 401)
})

t.test('M4: bodies in chunks of one byte cost their bytes, in a heap of 256 MiB', async (t) => {
  const { gateway, url, issuer, upstream } = await serve(t, {}, HEAP)
  const token = await issuer.token()
  const text = JSON.stringify({ ...toolCall('list_todos'), padding: 'x'.repeat(400_000) })
  const before = resident(gateway.pid)
  await Promise.all(Array.from({ length: 3 }, async () => {
    const client = await openConnection(t, url)
    client.write(`${POST}Authorization: Bearer ${token}\r\n${CHUNKED}${oneByOne(text)}0\r\n\r\n`)
    await client.until('HTTP/1.1 200')
  }))
  t.same(upstream.received.map(({ body }) => body.length), [text.length, text.length, text.length])
  const grown = resident(gateway.pid) - before
  t.comment(`${grown.toFixed(0)} MiB for 1.2 MB of bodies`)
  t.ok(grown < 128, `${grown} MiB`)
})
