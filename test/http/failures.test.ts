import type { Socket } from 'node:net'
import t from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { type RawResponse, startRawUpstream } from '../helpers/raw-http.js'
import { type Scene, startScene } from '../helpers/scene.js'

const CALL = JSON.stringify(toolCall('list_todos', {}, 7))
const WAYS = ['POST', 'GET', 'DELETE'] as const
type Way = typeof WAYS[number]

function request ({ send }: Pick<Scene, 'send'>, method: Way, headers: Record<string, string> = {}): Promise<RawResponse> {
  return method === 'POST'
    ? send({ method, target: '/mcp', headers: { 'Content-Type': 'application/json', ...headers }, body: CALL })
    : send({ method, target: '/mcp', headers })
}

/** The refusal's code, from a JSON-RPC error or from OAuth's form. */
function codeOf (method: Way, response: RawResponse): unknown {
  const body = JSON.parse(response.body) as { id?: unknown, error: string | { data: { error: string } } }
  if (typeof body.error === 'string') return body.error
  if (body.id !== 7) throw new Error('the id is not repeated')
  return method === 'POST' ? body.error.data.error : 'a JSON-RPC error without a message'
}

for (const method of WAYS) {
  t.test(`F7: ${method}: an upstream that refuses the connection gives 502`, async (t) => {
    const all = await startScene(t)
    await all.upstream.stop()
    const response = await request(all, method)
    t.equal(response.status, 502)
    t.equal(codeOf(method, response), 'upstream_unreachable')
    t.notMatch(JSON.stringify(response), new URL(all.upstream.origin).port, 'no inner address')
    t.match(await all.gateway.logged(({ httpStatus }) => httpStatus === 502), { reason: 'upstream_unreachable', client: { detail: /ECONNREFUSED/ } }, 'which the log has')
  })

  t.test(`F7: ${method}: an upstream that does not answer in time gives 504, and is let go`, async (t) => {
    const closed: Promise<unknown>[] = []
    const all = await startScene(t, {
      config: { limits: { upstreamTimeoutMs: 100 } },
      answer: (_request, response) => { closed.push(new Promise((resolve) => { response.once('close', resolve) })) }
    })
    const response = await request(all, method)
    t.equal(response.status, 504)
    t.equal(codeOf(method, response), 'upstream_timeout')
    await Promise.all(closed)
    t.equal(all.upstream.received.length, 1, 'asked once')
  })

  t.test(`F6: ${method}: an upstream that breaks off before it answers gives 502, and is not asked again`, async (t) => {
    const breaks: Record<string, (socket: Socket) => void> = {
      'a reset': (socket) => { socket.resetAndDestroy() },
      'an end': (socket) => { socket.end() },
      'half a head': (socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Ty') },
      'no HTTP': (socket) => { socket.end('220 smtp ready\r\n') },
      'a status of 099': (socket) => { socket.end('HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n') },
      'a status of 600': (socket) => { socket.end('HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n') },
      'a status of 999': (socket) => { socket.end('HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nab') },
      'an unasked upgrade': (socket) => { socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n') },
      'two lengths': (socket) => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab') },
      'an endless head': (socket) => { socket.end(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(300_000)}\r\n\r\n`) }
    }
    for (const [name, answerWith] of Object.entries(breaks)) {
      const raw = await startRawUpstream(t, answerWith)
      const all = await startScene(t, { upstreamOrigin: raw.origin })
      const response = await request(all, method)
      t.equal(response.status, 502, name)
      t.equal(codeOf(method, response), 'upstream_broken', name)
      t.equal(raw.requests.length, 1, `${name}: sent once`)
      t.notMatch(JSON.stringify(response), /127\.0\.0\.1|UND_ERR|HPE_/)
      t.notOk(all.gateway.log.some(({ event }) => event === 'failure'), `${name}: no failure of our own`)
    }
  })

  t.test(`F7: ${method}: an upstream's refusal of the gateway is not shown as a refusal of the client`, async (t) => {
    for (const status of [401, 403, 407]) {
      const all = await startScene(t, {
        answer: (_request, response) => { response.writeHead(status, { 'www-authenticate': 'Bearer realm="inner", resource_metadata="http://inner/"', 'proxy-authenticate': 'Basic' }).end('secret reason') }
      })
      const response = await request(all, method)
      t.equal(response.status, 502)
      t.equal(codeOf(method, response), 'upstream_refused')
      t.equal(response.headers['www-authenticate'], undefined)
      t.notMatch(response.body, /secret|inner/)
      t.match(await all.gateway.logged(({ httpStatus }) => httpStatus === 502), { client: { detail: new RegExp(`answered ${status}`) } })
    }
  })

  t.test(`F8: ${method}: a redirect on the same host that keeps the method is followed`, async (t) => {
    for (const status of [307, 308]) {
      for (const [name, locate] of Object.entries<(origin: string) => string>({
        'a path': () => '/inner/?x=1',
        'a relative path': () => 'inner/?x=1',
        'the absolute URL': (origin) => `${origin}/inner/?x=1`,
        'another scheme, as behind a TLS terminator': (origin) => `${origin.replace('http:', 'https:')}/inner/?x=1`,
        'without scheme': (origin) => `${origin.slice('http:'.length)}/inner/?x=1`
      })) {
        const all = await startScene(t)
        const { upstream } = all
        const usual = upstream.answer
        upstream.answer = (incoming, response, body) => {
          if (incoming.url === '/inner') return response.writeHead(status, { location: locate(upstream.origin) }).end('moved')
          return usual(incoming, response, body)
        }
        const response = await request(all, method, { 'X-Kept': 'yes' })
        t.ok(response.status === 200 || response.status === 202, `${status} ${name} → ${response.status}`)
        t.same(upstream.received.map(({ method, url }) => `${method} ${url}`), [`${method} /inner`, `${method} /inner/?x=1`])
        const [first, second] = upstream.received
        t.same(second?.body, first?.body)
        t.same(second?.headers, first?.headers, 'with the same headers')
        t.equal(second?.headers['x-kept'], 'yes')
      }
    }
  })

  t.test(`${method}: a redirect to the Host that was handed on is followed to the upstream`, async (t) => {
    const all = await startScene(t, {
      config: { preserveHost: true, hosts: ['public.example'] },
      answer: (incoming, response) => {
        if (incoming.url === '/inner') response.writeHead(307, { location: 'https://public.example/inner/' }).end()
        else response.writeHead(200).end('there')
      }
    })
    t.equal((await request(all, method, { Host: 'public.example' })).body, 'there')
    t.equal(all.upstream.received.length, 2)
  })

  t.test(`${method}: a Host that was not handed on is another host`, async (t) => {
    const all = await startScene(t, {
      config: { hosts: ['public.example'] },
      answer: (incoming, response) => {
        if (incoming.url === '/inner') response.writeHead(307, { location: 'https://public.example/inner/' }).end()
        else response.writeHead(200).end('there')
      }
    })
    t.equal((await request(all, method, { Host: 'public.example' })).status, 502)
  })

  t.test(`F8: ${method}: no other redirect is followed or shown`, async (t) => {
    for (const [status, location] of [
      [301, '/inner/'], [302, '/inner/'], [303, '/inner/'], [300, '/inner/'], [305, '/inner/'],
      [307, 'http://evil.example/inner'], [308, '//evil.example/'], [307, 'http://127.0.0.1:1/inner'], [307, 'http://'], [307, undefined], [307, 'http://user@evil.example/']
    ] as const) {
      const all = await startScene(t, { answer: (_request, response) => { response.writeHead(status, location === undefined ? {} : { location }).end('moved') } })
      const response = await request(all, method)
      t.equal(response.status, 502, `${status} ${location}`)
      t.equal(codeOf(method, response), 'upstream_redirect')
      t.equal(response.headers.location, undefined)
      t.notMatch(response.body, /evil|127\.0\.0\.1|inner/)
      t.equal(all.upstream.received.length, 1)
    }
  })

  t.test(`F8: ${method}: redirects in a circle end`, async (t) => {
    const all = await startScene(t, { answer: (_request, response) => { response.writeHead(307, { location: '/inner' }).end() } })
    t.equal((await request(all, method)).status, 502)
    t.equal(all.upstream.received.length, 4, 'after three')
  })

  t.test(`F6: ${method}: what failed or was unavailable is not sent again`, async (t) => {
    for (const status of [500, 502, 503, 504, 429, 408]) {
      const all = await startScene(t, { answer: (_request, response) => { response.writeHead(status, { 'retry-after': '0' }).end('busy') } })
      const response = await request(all, method)
      t.equal(response.status, status)
      t.equal(response.body, 'busy')
      t.equal(all.upstream.received.length, 1, String(status))
    }
  })
}

t.test('a response that cannot be written is answered for', async (t) => {
  // What undici reads as a header and node would not write.
  const raw = await startRawUpstream(t, (socket) => { socket.end('HTTP/1.1 200 OK\r\nX-Odd: a\u0001b\r\nContent-Length: 2\r\n\r\nab') })
  const all = await startScene(t, { upstreamOrigin: raw.origin })
  for (const method of WAYS) t.equal((await request(all, method)).status, 502, method)
})

t.test('F7: a failure to reach the upstream is told in JSON, uncached, with the CORS headers', async (t) => {
  const all = await startScene(t, { config: { origins: ['https://app.example'] } })
  await all.upstream.stop()
  for (const method of WAYS) {
    const { headers } = await request(all, method, { Origin: 'https://app.example' })
    t.match(headers['content-type'], /^application\/json/)
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['access-control-allow-origin'], 'https://app.example')
  }
})

for (const method of WAYS) {
  t.test(`F7: ${method}: informational responses are passed over, and an unasked 100 gives 502`, async (t) => {
    const statuses = { '102 Processing': 200, '103 Early Hints': 200, '100 Continue': 502 }
    for (const [informational, expected] of Object.entries(statuses)) {
      const head = `HTTP/1.1 ${informational}\r\n\r\n`
      const final = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
      const raw = await startRawUpstream(t, (socket) => { socket.write(head + head + final) })
      const all = await startScene(t, { upstreamOrigin: raw.origin })
      const response = await request(all, method)
      t.equal(response.status, expected, informational)
      if (expected === 502) t.equal(codeOf(method, response), 'upstream_broken')
      t.equal(raw.requests.length, 1, `${informational}: sent once`)
    }
  })
}

t.test('POST: a redirect that does not end in time gives 504, and is let go', async (t) => {
  const closed: Promise<unknown>[] = []
  const all = await startScene(t, {
    config: { limits: { upstreamTimeoutMs: 100 } },
    answer: (_request, response) => {
      closed.push(new Promise((resolve) => { response.once('close', resolve) }))
      response.writeHead(307, { location: '/inner/' }).write('moved')
    }
  })
  const response = await request(all, 'POST')
  t.equal(response.status, 504)
  t.equal(codeOf('POST', response), 'upstream_timeout')
  await Promise.all(closed)
  t.equal(all.upstream.received.length, 1, 'asked once')
})
