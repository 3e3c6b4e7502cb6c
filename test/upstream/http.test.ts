import t from 'tap'
import { openHttpUpstream } from '../../src/upstream/http.js'
import type { ResponseReceiver } from '../../src/upstream/upstream.js'
import { startRawUpstream } from '../helpers/raw-http.js'
import { MESSAGE, startUpstream } from '../helpers/upstream.js'

/** A receiver that says nothing but when it is over, and how. */
function receiveUntil (over: (how: string) => void, onData: ResponseReceiver['onData'] = () => true): ResponseReceiver {
  return {
    onResponse: () => {},
    onData,
    onEnd: () => over('end'),
    onFailure: ({ kind }) => over(kind)
  }
}

t.test('what is aborted before it was sent is never sent', async (t) => {
  const server = await startUpstream(t)
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 1000)
  t.after(() => upstream.close())
  upstream.send({ ...MESSAGE, path: '/unwanted' }, (control) => {
    control.abort()
    return receiveUntil((how) => t.fail(`heard of ${how}`))
  })
  const how = await new Promise<string>((resolve) => upstream.send(MESSAGE, () => receiveUntil(resolve)))
  t.equal(how, 'end')
  t.same(server.received.map(({ url }) => url), ['/mcp'])
})

t.test('what is aborted hears nothing more, and aborting again or late does no harm', async (t) => {
  const server = await startUpstream(t, (_request, response) => { response.writeHead(200).write('one') })
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 1000)
  t.after(() => upstream.close())
  let calls = 0
  await new Promise<void>((resolve) =>
    upstream.send(MESSAGE, (control) => receiveUntil(() => { calls++ }, () => {
      control.abort()
      control.abort()
      resolve()
      return true
    })))
  server.answer = (_request, response) => { response.end('two') }
  await new Promise<void>((resolve) => upstream.send(MESSAGE, (control) => receiveUntil(() => {
    control.abort()
    resolve()
  })))
  t.equal(calls, 0)
})

t.test('a receiver that throws at the end hears of a failure: nobody waits in vain', async (t) => {
  const server = await startUpstream(t)
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 1000)
  t.after(() => upstream.close())
  const how = await new Promise<string>((resolve) => upstream.send(MESSAGE, () => ({
    ...receiveUntil(resolve),
    onEnd () { throw new Error('what was held cannot be written') }
  })))
  t.equal(how, 'broken')
})

t.test('a redirect whose own body is long does not get into the response', async (t) => {
  const server = await startUpstream(t, (request, response) => {
    if (request.url === '/mcp') response.writeHead(307, { location: '/mcp/' }).end('m'.repeat(100_000))
    else response.end('there')
  })
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 1000)
  t.after(() => upstream.close())
  const chunks: Buffer[] = []
  await new Promise((resolve) => upstream.send(MESSAGE, () => receiveUntil(resolve, (chunk) => {
    chunks.push(chunk)
    return true
  })))
  t.equal(Buffer.concat(chunks).toString(), 'there')
})

t.test('informational answers are passed over', async (t) => {
  const raw = await startRawUpstream(t, (socket) => { socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') })
  const upstream = openHttpUpstream(`${raw.origin}/mcp`, 1000)
  t.after(() => upstream.close())
  const statuses: number[] = []
  const onResponse = (status: number): void => { statuses.push(status) }
  await new Promise<string>((resolve) => {
    upstream.send(MESSAGE, () => ({ ...receiveUntil(resolve), onResponse }))
  })
  t.same(statuses, [200])
})

t.test('closing breaks what is under way', async (t) => {
  const server = await startUpstream(t, (_request, response) => { response.writeHead(200).write('one') })
  const upstream = openHttpUpstream(`${server.origin}/mcp`, 1000)
  const how = await new Promise<string>((resolve) =>
    upstream.send(MESSAGE, () => receiveUntil(resolve, () => {
      upstream.close().catch(t.fail)
      return true
    })))
  t.equal(how, 'broken')
})
