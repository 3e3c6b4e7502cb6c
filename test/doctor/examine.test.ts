import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { endpointChecks } from '../../src/doctor/checks-transport.js'
import type { Context } from '../../src/doctor/context.js'
import { examineSample, findingOf, unmet } from './examination.js'
import { SESSION, startSampleServer } from './sample-server.js'

/** Starts a server with a handler of the test's own, and stops it after the test. */
async function listen (t: Test, handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  }))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

t.test('nothing that is sent could change anything', async (t) => {
  for (const defects of [[], ['open'], ['legacy'], ['any-tool-succeeds']] as const) {
    const server = await startSampleServer(t, defects)
    await examineSample(server.url, { token: await server.token() })
    for (const { method, body, headers, url } of server.received) {
      if (method === 'POST') {
        const [message] = [JSON.parse(body) as unknown].flat() as [{
          method: string, params?: { name?: string }
        }]
        t.match(
          message.method,
          /^(server\/discover|initialize|notifications\/initialized|ping|tools\/list|tools\/call)$/,
          message.method
        )
        if (message.method === 'tools/call') t.equal(message.params?.name, 'postern-doctor-no-such')
      } else if (method === 'DELETE') {
        t.match(
          headers['mcp-session-id'],
          /^(postern-doctor-no-such|session-1)$/,
          'only a session: the doctor\'s own or one that does not exist'
        )
        t.equal(url, '/mcp')
        t.not(defects[0], 'open', 'and not at a server that lets everybody in')
      } else t.match(method, /^(GET|HEAD|OPTIONS)$/)
    }
  }
})

t.test('a legacy session that was begun is ended', async (t) => {
  const server = await startSampleServer(t, ['legacy'])
  await examineSample(server.url, { token: await server.token() })
  t.match(server.received.at(-1), { method: 'DELETE', headers: { 'mcp-session-id': SESSION } })
})

t.test('the token goes only to the server, never in a URL, and no finding repeats it', async (t) => {
  const server = await startSampleServer(t, ['echoes-token', 'accepts-none'])
  const [token, otherToken] = [await server.token(), await server.token({ aud: 'https://other.example' })]
  const elsewhere: unknown[] = []
  server.issuer.routes.set('/jwks', (request, response) => {
    elsewhere.push(request.headers.authorization)
    response.writeHead(302, { location: `${server.origin}/jwks` }).end(token)
  })
  server.metadata['resource'] = token
  server.metadata['bearer_methods_supported'] = [`x ${token.split('.')[2]}`]
  server.issuer.metadata['code_challenge_methods_supported'] = [otherToken]
  const report = JSON.stringify(await examineSample(server.url, { token, otherToken }))
  for (const secret of [token, otherToken]) {
    t.notOk(report.includes(secret))
    t.notOk(report.includes(secret.split('.')[2] as string), 'nor its signature')
    t.notOk(server.received.some(({ url }) => url.includes(secret)))
  }
  t.ok(report.includes('[token]'), 'it was there to be repeated')
  t.strictSame(elsewhere, [undefined])
  t.ok(server.received.some(({ headers }) => headers.authorization === `Bearer ${token}`))
})

t.test('a server that never answers gets one request, and is given up at the time limit', async (t) => {
  let requests = 0
  const url = await listen(t, () => { requests++ })
  const findings = await examineSample(url, { timeoutMs: 500, token: 'token-of-the-test' })
  t.strictSame(unmet(findings), ['reachable: fail'])
  t.equal(findingOf(findings, 'reachable').detail, 'no response within 500 ms')
  t.match(findingOf(findings, 'batch'), { result: 'skip', detail: 'the URL does not answer' })
  t.equal(requests, 1)
})

t.test('a port where nothing listens fails the first check', async (t) => {
  t.match(findingOf(await examineSample('http://127.0.0.1:1/mcp'), 'reachable'), {
    result: 'fail', detail: 'no response: ECONNREFUSED'
  })
})

t.test('an endless response is cut off at 1 MiB, and a slow one at the time limit', async (t) => {
  let isCut = false
  const endless = await listen(t, (request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    if (request.method === 'HEAD') response.end()
    else response.on('close', () => { isCut = true }).write('{"padding":"' + 'x'.repeat(2_097_152))
  })
  t.equal(findingOf(await examineSample(endless), 'challenge-body').result, 'warn')
  t.ok(isCut, 'long before any time limit')
  const slow = await listen(t, (_request, response) => { response.writeHead(401).write('{') })
  t.match(
    findingOf(await examineSample(slow, { timeoutMs: 500, maxRequests: 2 }), 'post-unauthenticated'),
    { result: 'pass' },
    'what has arrived counts'
  )
})

t.test('the number of requests is limited', async (t) => {
  const server = await startSampleServer(t)
  const findings = await examineSample(server.url, { maxRequests: 5, token: await server.token() })
  t.equal(server.received.length + server.issuer.requests.length, 5)
  t.match(findingOf(findings, 'delete-unauthenticated').detail, /the limit of 5 requests is reached/)
  t.equal(
    findingOf(findings, 'delete-unauthenticated').result, 'fail', 'a check without a response does not hold'
  )
})

t.test('a host that leaves requests without a response is given up', async (t) => {
  const server = await startSampleServer(t)
  server.issuer.mode = 'hang'
  const findings = await examineSample(server.url, { timeoutMs: 500 })
  t.strictSame(unmet(findings), ['as-metadata: fail'])
  t.equal(server.issuer.requests.length, 2)
  server.metadata['authorization_servers'] = Array.from(
    { length: 9 }, (_, index) => `${server.issuer.origin}/${index}`
  )
  t.equal(
    (await examineSample(server.url, { timeoutMs: 500 })).filter(({ id }) => id === 'as-metadata').length,
    3,
    'and no more than three servers are examined'
  )
})

t.test('each authorization server has findings of its own', async (t) => {
  const [server, other] = [await startSampleServer(t), await startSampleServer(t)]
  server.metadata['authorization_servers'] = [server.issuer.issuer, other.issuer.issuer]
  other.issuer.metadata['code_challenge_methods_supported'] = []
  const findings = await examineSample(server.url)
  t.strictSame(findings.filter(({ id }) => id === 'as-pkce').map(({ about, result }) => [about, result]), [
    [server.issuer.issuer, 'pass'], [other.issuer.issuer, 'fail']
  ])
})

t.test('the metadata of an issuer with a path is looked for at three places', async (t) => {
  const server = await startSampleServer(t)
  const { issuer } = server
  const tenant = `${issuer.origin}/tenant`
  server.metadata['authorization_servers'] = [tenant]
  issuer.metadata['issuer'] = tenant
  const route = issuer.routes.get('/.well-known/oauth-authorization-server')
  issuer.routes.set(
    '/tenant/.well-known/openid-configuration', (request, response) => route?.(request, response)
  )
  const findings = await examineSample(server.url)
  t.match(findingOf(findings, 'as-metadata'), { result: 'pass', detail: 'OpenID Connect, path in front' })
  t.match(issuer.requests.slice(0, 3), [
    '/.well-known/oauth-authorization-server/tenant',
    '/.well-known/openid-configuration/tenant',
    '/tenant/.well-known/openid-configuration'
  ])
  t.strictSame(unmet(findings), [])
})

t.test('CORS is examined for the given origin', async (t) => {
  const server = await startSampleServer(t)
  t.strictSame(unmet(await examineSample(server.url, { browserOrigin: 'https://app.example' })), [
    'preflight: warn'
  ])
  t.match(server.received.find(({ method }) => method === 'OPTIONS')?.headers, {
    origin: 'https://app.example'
  })
})

t.test('a server without /health is fine', async (t) => {
  const url = await listen(t, (_request, response) => { response.writeHead(401).end() })
  t.match(findingOf(await examineSample(url), 'health'), {
    result: 'skip', detail: '/health is answered 401, which is allowed'
  })
})

t.test('plain http is fine only on a loopback host', async (t) => {
  const https = endpointChecks.find(({ id }) => id === 'https')
  for (
    const [url, result] of [
      ['https://mcp.example/mcp', 'pass'],
      ['http://localhost:3002/mcp', 'pass'],
      ['http://[::1]/mcp', 'pass'],
      ['http://mcp.example/mcp', 'warn'],
      ['http://127.0.0.1.example/', 'warn']
    ] as const
  ) {
    t.match(await https?.run({ url: new URL(url) } as Context), { result }, url)
  }
})
