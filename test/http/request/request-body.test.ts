import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { holdBody } from '../../../src/http/request/request-body.js'
import { openConnection, type RawConnection } from '../../helpers/raw-connection.js'
import { until } from '../../helpers/until.js'

interface Arrived {
  readonly client: RawConnection
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Sends the start of a request to a server that holds its body. Resolves when the header has arrived. */
async function send (t: Test, text: string): Promise<Arrived> {
  const server = createServer((request) => { holdBody(request) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const arrived = once(server, 'request')
  const client = await openConnection(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.write(text)
  const [request, response] = await arrived
  return { client, request, response }
}

function read (request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request.heldBody?.read(limit, (error, body) => error === undefined ? resolve(body) : reject(error))
  })
}

const CHUNKED = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunks = (text: string): string => [...text].map((letter) => `1\r\n${letter}\r\n`).join('')
const withLength = (length: number): string => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`
const LIMIT = 4 * 1024 * 1024

t.test('M3: a body is the same, whether it comes at once, in pieces or in chunks of one byte', async (t) => {
  const body = '0123456789'.repeat(5_000)
  for (const [how, head, framed] of [
    ['at once', withLength(body.length), body],
    ['chunked', CHUNKED, `${chunks(body)}0\r\n\r\n`]
  ] as const) {
    const { client, request } = await send(t, head + framed.slice(0, 100))
    const whole = read(request, LIMIT)
    client.write(framed.slice(100, 30_000))
    client.write(framed.slice(30_000))
    t.equal((await whole).toString(), body, how)
  }
  const { request } = await send(t, `${withLength(5)}hello`)
  await until(() => request.complete, 'it has been read')
  t.equal((await read(request, 5)).toString(), 'hello', 'all of it before it is asked for')
  const { request: none } = await send(t, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.equal(none.heldBody, undefined)
})

t.test('A10: of a body that nobody asks for, no more is read than comes with the header', async (t) => {
  const body = 'x'.repeat(1024 * 1024)
  const { client, request } = await send(t, CHUNKED)
  client.write(`${chunks(body)}0\r\n\r\n`)
  await until(() => request.socket.isPaused(), 'the connection is not read any more')
  const taken = request.socket.bytesRead
  for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => { setImmediate(resolve) })
  t.equal(request.socket.bytesRead, taken, 'and stays so')
  t.ok(taken <= 2 * 65_536, `${taken} bytes`)
  t.equal(request.readableLength, 0, 'Node holds nothing')
  t.equal((await read(request, LIMIT)).length, body.length, 'the rest comes when it is wanted')
})

t.test('M4: a body that is too large is not read to its end', async (t) => {
  const declared = await send(t, withLength(11))
  await t.rejects(read(declared.request, 10), { name: 'TooManyBytes' }, 'it says so itself')
  const { client, request } = await send(t, CHUNKED)
  const whole = read(request, 10)
  client.write(chunks('x'.repeat(1024 * 1024)))
  await t.rejects(whole, { name: 'TooManyBytes' })
  await until(() => request.socket.isPaused(), 'the connection is not read any more')
  t.ok(request.socket.bytesRead <= 4 * 65_536, `${request.socket.bytesRead} bytes`)
})

t.test('a client that breaks off is an error, before the body is asked for and after', async (t) => {
  const early = await send(t, withLength(10))
  early.client.socket.destroy()
  await until(() => early.request.socket.destroyed, 'the connection is gone')
  await t.rejects(read(early.request, LIMIT), { message: /broke off/ })
  const late = await send(t, withLength(10))
  const whole = read(late.request, LIMIT)
  late.client.socket.destroy()
  await t.rejects(whole, { message: /broke off/ })
})
