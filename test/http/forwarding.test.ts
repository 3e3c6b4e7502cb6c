import t from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const CALL = JSON.stringify(toolCall('list_todos'))
const JSON_TYPE = ['Content-Type: application/json'] as const

t.test('M3: the upstream receives the very bytes of the message', async (t) => {
  const { send, upstream } = await startScene(t)
  const bodies = [
    '{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"list_todos","arguments":{"n":1.50,"e":1E400,"z":-0,"u":"\\u00e9\\ud83d\\ude00","s":"\\/"}}}',
    '  {\r\n\t"method" : "ping" , "id":"a" ,"jsonrpc":"2.0"}\n\n',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"é":"\u{1f600}","null":null,"f":false,"zero":0}}'
  ]
  for (const body of bodies) {
    const { status } = await send({ method: 'POST', target: '/mcp', headers: [...JSON_TYPE], body: Buffer.from(body) })
    t.ok(status === 200 || status === 202, String(status))
    t.equal(upstream.received.at(-1)?.body.toString(), body)
    t.equal(upstream.received.at(-1)?.headers['content-length'], String(Buffer.byteLength(body)))
  }
})

t.test('a message sent in chunks arrives whole', async (t) => {
  const { send, upstream } = await startScene(t)
  const { status } = await send({ method: 'POST', target: '/mcp', headers: [...JSON_TYPE, 'Transfer-Encoding: chunked'], body: CALL })
  t.equal(status, 200)
  t.equal(upstream.received[0]?.body.toString(), CALL)
  t.notOk(upstream.received[0]?.headers['transfer-encoding'])
})

for (const method of ['POST', 'GET', 'HEAD', 'DELETE']) {
  const request = method === 'POST' ? { body: CALL, headers: [...JSON_TYPE] } : { headers: [] as string[] }

  t.test(`F1: ${method}: what may not go up stays here, in any spelling`, async (t) => {
    const { send, upstream, token } = await startScene(t)
    const headers = [
      'COOKIE: sid=secret', 'Proxy-Authorization: Basic secret', 'pRoXy-Connection: keep-alive', 'X-FORWARDED-FOR: 6.6.6.6', 'x-Forwarded-Host: evil.example',
      'X_Forwarded_For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'Via: 1.1 evil', 'X-Real-IP: 6.6.6.6', 'Keep-Alive: timeout=99', 'TE: trailers',
      'X-Postern-Subject: root', 'x-postern-scopes: admin', 'X_Postern_Subject: root', 'X-Postern_Client-Id: root', 'x-postern-new: root',
      'CF-Connecting-IP: 6.6.6.6', 'Fastly-Client-IP: 6.6.6.6', 'X-Cluster-Client-IP: 6.6.6.6', 'X-Envoy-External-Address: 6.6.6.6',
      'Remote-User: root', 'X-Remote-User: root', 'X-Auth-Request-User: root', 'X-SSL-Client-Verify: root', 'X-Request-Id: evil',
      'DPoP: proof', 'HTTP2-Settings: AAA', 'Accept-Encoding: gzip', 'X-HTTP-Method-Override: DELETE',
      'X-Private: hop', 'Connection: close, X-Private', 'Upgrade-Insecure-Requests: 1', 'X-Kept: yes'
    ]
    const { status } = await send({ method, target: '/mcp', ...request, headers: [...request.headers, ...headers] })
    t.ok(status < 300, String(status))
    const received = upstream.received[0]
    if (received === undefined) throw new Error('nothing arrived')
    const wire = received.rawHeaders.join('\n').toLowerCase()
    for (const value of ['secret', '6.6.6.6', 'evil', 'root', 'admin', 'hop', 'proof', 'trailers', 'timeout=99', token.toLowerCase(), 'bearer', 'gzip', 'override']) t.notMatch(wire, value, value)
    t.equal(received.headers['x-kept'], 'yes')
    t.equal(received.headers['accept-encoding'], 'identity')
    t.match(received.headers['x-request-id'], /^[\w-]{10}-\w+$|^[\w-]{8}-\w+$/)
    t.equal(received.headers['upgrade-insecure-requests'], '1')
    t.equal(received.headers['x-postern-subject'], 'alice')
    t.equal(received.headers['x-postern-client-id'], 'client-1')
    t.equal(received.headers['x-postern-scopes'], 'todo:read todo:write')
    t.match(received.headers['x-postern-issuer'], /^http:\/\/127\.0\.0\.1:\d+$/)
    t.equal(received.headers.host, new URL(upstream.origin).host)
    t.equal(received.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length, 1)
  })

  t.test(`${method}: headers that break http proxies do no harm`, async (t) => {
    const { send } = await startScene(t)
    for (const header of [['Keep-Alive: timeout=5'], ['Expect: 100-continue'], ['TE: gzip'], ['Connection: upgrade, close'], ['Upgrade: h2c'], ['Connection: authorization, host, content-length, content-type']]) {
      const { status } = await send({ method, target: '/mcp', ...request, headers: [...request.headers, ...header] })
      t.ok(status < 300, `${header.join(': ')} → ${status}`)
    }
  })

  t.test(`F9: ${method}: what may not come back stays there`, async (t) => {
    const { send } = await startScene(t, {
      answer: (_request, response) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'set-cookie': ['a=1', 'b=2'],
          'www-authenticate': 'Bearer realm="inner"',
          'proxy-authenticate': 'Basic',
          'access-control-allow-origin': 'https://evil.example',
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': 'X-Evil',
          connection: 'close, X-Hop',
          'x-hop': '1',
          'keep-alive': 'timeout=1',
          'alt-svc': 'h3=":443"',
          'x-postern-subject': 'root',
          'x-request-id': 'theirs',
          'x-kept': 'yes',
          'content-length': '2'
        }).end('{}')
      }
    })
    const response = await send({ method, target: '/mcp', ...request })
    t.equal(response.status, 200)
    for (const name of ['set-cookie', 'www-authenticate', 'proxy-authenticate', 'access-control-allow-origin', 'access-control-allow-credentials', 'access-control-expose-headers', 'x-hop', 'alt-svc', 'x-postern-subject']) {
      t.equal(response.headers[name], undefined, name)
    }
    t.notMatch(response.rawHeaders.join('\n'), /theirs|timeout=1\b/)
    t.equal(response.headers['x-kept'], 'yes')
    t.equal(response.headers['content-length'], '2')
    t.equal(response.body, method === 'HEAD' ? '' : '{}')
  })

  t.test(`F3: ${method}: paths below the resource lead to paths below the endpoint, with their query`, async (t) => {
    const { send, upstream } = await startScene(t)
    for (const [path, expected] of [['/mcp', '/inner'], ['/mcp?a=1&b=%20%2F..', '/inner?a=1&b=%20%2F..'], ['/mcp/', '/inner/'], ['/mcp/rest/%C3%A9', '/inner/rest/%C3%A9'], [`/mcp/${'x'.repeat(300)}?q=${'y'.repeat(2000)}`, `/inner/${'x'.repeat(300)}?q=${'y'.repeat(2000)}`]] as const) {
      const { status } = await send({ method, target: path, ...request })
      t.ok(status < 300, `${path.slice(0, 30)} → ${status}`)
      t.equal(upstream.received.at(-1)?.url, expected)
    }
  })

  t.test(`${method}: an ambiguous path or a token in the query is refused, and reaches nobody`, async (t) => {
    const { send, upstream } = await startScene(t)
    for (const path of ['/mcp/../x', '/mcp/%2e%2e/x', '/mcp/a%2fb', '/mcp//x', '/mcp/a%5cb', '/mcp/%00', '/mcp/..;/x', '/%6dcp', '/mcp?access_token=x', '/mcp/x?a=b&%61ccess_token=y']) {
      t.equal((await send({ method, target: path, ...request })).status, 400, path)
    }
    t.equal(upstream.received.length, 0)
  })
}

t.test('P1: no rule is asked about what carries no message', async (t) => {
  const { send, upstream } = await startScene(t, { config: { policy: { methods: { '*': false } } } })
  t.equal((await send({ method: 'POST', target: '/mcp', headers: [...JSON_TYPE], body: CALL })).status, 403)
  for (const method of ['GET', 'HEAD', 'DELETE']) await send({ method, target: '/mcp/below' })
  t.same(upstream.received.map(({ method }) => method), ['GET', 'HEAD', 'DELETE'])
})

t.test('a resource at the root maps every path that is not public', async (t) => {
  const { send, upstream } = await startScene(t, { path: '/' })
  for (const [path, expected] of [['/', '/inner'], ['/mcp', '/inner/mcp'], ['/.well-known/x', '/inner/.well-known/x'], ['/health/x', '/inner/health/x']] as const) {
    t.equal((await send({ target: path })).status, 202)
    t.equal(upstream.received.at(-1)?.url, expected)
  }
  t.equal((await send({ target: '/health' })).body, '{"status":"healthy"}')
  t.equal(upstream.received.length, 4)
})

t.test('F2: identity headers can be switched off one by one, and stay unforgeable', async (t) => {
  const { send, upstream } = await startScene(
    t, { config: { identityHeaders: { subject: true, clientId: false, issuer: false, scopes: false } } }
  )
  await send({ target: '/mcp', headers: { 'X-Postern-Client-Id': 'root', 'X-Postern-Subject': 'root' } })
  const names = Object.keys(upstream.received[0]?.headers ?? {}).filter((name) => name.startsWith('x-postern-'))
  t.same(names, ['x-postern-subject'])
  t.equal(upstream.received[0]?.headers['x-postern-subject'], 'alice')
})

t.test('identity values cannot break out of their header', async (t) => {
  const { gateway, upstream, tokenWith } = await startScene(t)
  const sub = 'a\r\nX-Postern-Scopes: admin\r\n\r\nGET / HTTP/1.1 é%41\u{1f600}'
  const response = await gateway.post(await tokenWith({ sub, client_id: 'ü,"\u0000', scope: ['todo:read', 'x y', 'a\nb'] }), CALL)
  t.equal(response.status, 200)
  const headers = upstream.received[0]?.headers ?? {}
  t.equal(decodeURIComponent(headers['x-postern-subject'] as string), sub)
  t.equal(headers['x-postern-client-id'], '%C3%BC,"%00')
  t.notMatch(headers['x-postern-scopes'], 'admin')
  t.equal(upstream.received.length, 1)
})

t.test('F1: the operator removes further headers, by name or by the beginning of it', async (t) => {
  const { send, upstream } = await startScene(t, { config: { removeHeaders: ['X-Corp-User', 'X-SSO-*'] } })
  const headers = [...JSON_TYPE, 'x-corp-USER: root', 'X-Sso-Groups: root', 'X_SSO_Groups: root', 'X-Kept: yes']
  for (const request of [{ target: '/mcp' }, { target: '/mcp/below' }, { method: 'POST', target: '/mcp', body: CALL }]) {
    const { status } = await send({ ...request, headers })
    t.ok(status < 300, String(status))
    const received = upstream.received.at(-1)
    t.notMatch(received?.rawHeaders.join('\n'), 'root')
    t.equal(received?.headers['x-kept'], 'yes')
  }
  t.equal(upstream.received.length, 3)
})

t.test('F1: preserveHost hands on the Host that the client used', async (t) => {
  const { send, upstream } = await startScene(t, { config: { preserveHost: true, hosts: ['public.example'] } })
  await send({ target: '/mcp', headers: { Host: 'public.example' } })
  await send({ method: 'POST', target: '/mcp', headers: ['Host: public.example', ...JSON_TYPE], body: CALL })
  t.same(upstream.received.map(({ headers }) => headers.host), ['public.example', 'public.example'])
})

t.test('F1: the operator\'s headers win over the client\'s, whatever the spelling', async (t) => {
  const { send, upstream } = await startScene(t, { config: { upstreamHeaders: { 'X-Api-Key': 'ours', Authorization: 'Bearer ours' } } })
  for (const request of [{ target: '/mcp' }, { method: 'POST', target: '/mcp', body: CALL }]) {
    await send({ ...request, headers: [...JSON_TYPE, 'x-api-key: theirs', 'X_API_KEY: theirs'] })
    const { rawHeaders = [] } = upstream.received.at(-1) ?? {}
    t.notMatch(rawHeaders.join('\n'), 'theirs')
    t.equal(rawHeaders.filter((value) => value === 'ours').length, 1)
    t.equal(rawHeaders.filter((value) => value === 'Bearer ours').length, 1)
  }
})

t.test('a body where none belongs is refused', async (t) => {
  const { send, upstream } = await startScene(t)
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    t.equal((await send({ method, target: '/mcp', headers: [...JSON_TYPE], body: CALL })).status, 400, method)
    t.equal((await send({ method, target: '/mcp', headers: ['Transfer-Encoding: chunked'], body: CALL })).status, 400, `${method} chunked`)
  }
  t.equal(upstream.received.length, 0)
})

t.test('responses keep their status and body', async (t) => {
  const statuses = [200, 201, 202, 204, 206, 304, 400, 404, 405, 406, 409, 410, 418, 429, 500, 503]
  let status = 0
  const { send } = await startScene(t, { answer: (_request, response) => { response.writeHead(status, { 'content-type': 'text/plain', 'retry-after': '7' }).end(status === 204 || status === 304 ? undefined : 'body') } })
  for (status of statuses) {
    const responses = [await send({ target: '/mcp' }), await send({ method: 'POST', target: '/mcp', headers: [...JSON_TYPE], body: CALL })]
    for (const response of responses) {
      t.equal(response.status, status)
      t.equal(response.body, status === 204 || status === 304 ? '' : 'body')
      t.equal(response.headers['retry-after'], '7')
    }
  }
})

t.test('without a token nothing goes up, whatever the HTTP method', async (t) => {
  const { gateway, upstream } = await startScene(t)
  for (const method of ['POST', 'GET', 'HEAD', 'DELETE', 'PUT']) {
    t.equal((await send(gateway.origin, { method, target: '/mcp', headers: [...JSON_TYPE], body: CALL })).status, 401, method)
  }
  t.equal(upstream.received.length, 0)
})
