import t, { type Test } from 'tap'
import { gzipSync } from 'node:zlib'
import { FetchFailed, fetchJson } from '../../src/oauth/fetch-json.js'
import { sendJson, startIssuer, type Route, type TestIssuer } from '../helpers/issuer.js'

async function serve (t: Test, routes: Record<string, Route>): Promise<TestIssuer> {
  const server = await startIssuer(t)
  for (const [path, route] of Object.entries(routes)) server.routes.set(path, route)
  return server
}

const settings = { fetch, allowHttp: false, timeoutMs: 2_000 }
const redirectTo = (
  location: string, status = 302
): Route => (_request, response) => { response.writeHead(status, { location }).end() }

async function failure (promise: Promise<unknown>): Promise<FetchFailed> {
  const error = await promise.then(() => undefined, (error: unknown) => error)
  if (error instanceof FetchFailed) return error
  throw new Error(`not FetchFailed: ${String(error)}`)
}

t.test('a JSON object is returned, whatever its media type', async (t) => {
  let headers
  const { origin } = await serve(t, { '/d': (request, response) => { headers = request.headers; response.end('{"a":1}') } })
  t.same(await fetchJson(`${origin}/d`, settings), { a: 1 })
  t.match(headers, { accept: 'application/json' })
  t.notMatch(headers, { authorization: String })
})

t.test('what is not a JSON object in UTF-8 with status 200 fails, and the host counts as having answered', async (t) => {
  const bodies: Record<string, Route> = {
    '/array': (_request, response) => sendJson(response, []),
    '/null': (_request, response) => sendJson(response, null),
    '/html': (_request, response) => response.end('<html>'),
    '/empty': (_request, response) => response.end(),
    '/latin1': (_request, response) => response.end(Buffer.from('{"a":"é"}', 'latin1')),
    '/201': (_request, response) => sendJson(response, {}, 201),
    '/404': (_request, response) => sendJson(response, {}, 404),
    '/503': (_request, response) => sendJson(response, {}, 503)
  }
  const { origin } = await serve(t, bodies)
  for (const path of Object.keys(bodies)) {
    const error = await failure(fetchJson(origin + path, settings))
    t.match(error, { host: 'answered', message: `${origin}${path}` }, path)
  }
})

t.test('A5: plain http is for loopback hosts, unless the operator allows it', async (t) => {
  const asked: string[] = []
  const fake = async (url: unknown): Promise<Response> => {
    asked.push(String(url))
    return new Response('{}')
  }
  const refused = ['http://as.example/', 'http://127.0.0.1.example/', 'http://localhost.example/', 'http://alocalhost/', 'http://localhost./', 'http://10.0.0.1/', 'http://[::2]/', 'http://127.1.example/',
    'ftp://127.0.0.1/', 'file:///etc/passwd', 'data:application/json,{}', 'as.example', '']
  for (const url of refused) await failure(fetchJson(url, { ...settings, fetch: fake }))
  t.same(asked, [], 'none of them was asked')
  for (const url of ['http://127.0.0.1/', 'http://127.1/', 'http://localhost/', 'http://a.localhost/', 'http://[::1]/', 'https://as.example/']) {
    await t.resolves(fetchJson(url, { ...settings, fetch: fake }), url)
  }
  await t.resolves(fetchJson('http://as.example/', { ...settings, fetch: fake, allowHttp: true }))
  await t.rejects(fetchJson('ftp://as.example/', { ...settings, fetch: fake, allowHttp: true }))
})

t.test('three redirects on the same host are followed, a fourth is not', async (t) => {
  const { origin } = await serve(t, {
    '/1': redirectTo('/2', 301),
    '/2': redirectTo('3', 307),
    '/3': (request, response) => redirectTo(`http://${request.headers.host}/4`, 308)(request, response),
    '/4': (_request, response) => sendJson(response, { ok: true }),
    '/0': redirectTo('/1', 303)
  })
  t.same(await fetchJson(`${origin}/1`, settings), { ok: true })
  t.match(await failure(fetchJson(`${origin}/0`, settings)), { message: /more than 3 times/, host: 'answered' })
})

t.test('A5: a redirect to another host, another port or another scheme is not followed', async (t) => {
  const other = await serve(t, { '/d': (_request, response) => sendJson(response, {}) })
  const { origin } = await serve(t, {
    '/port': redirectTo(`${other.origin}/d`),
    '/host': redirectTo('https://evil.example/d'),
    '/relative': redirectTo('//evil.example/d'),
    '/file': redirectTo('file:///etc/passwd'),
    '/junk': redirectTo('http://[')
  })
  for (const path of ['/port', '/host', '/relative', '/file', '/junk']) {
    t.match(await failure(fetchJson(origin + path, settings)), { message: /not followed/, host: 'answered' }, path)
  }
  t.same(other.requests, [])
})

t.test('a redirect from https to http is not followed', async (t) => {
  const asked: string[] = []
  const fake = async (url: unknown): Promise<Response> => {
    asked.push(String(url))
    return new Response(null, { status: 302, headers: { location: 'http://localhost/d' } })
  }
  await t.rejects(fetchJson('https://localhost/d', { ...settings, fetch: fake, allowHttp: true }), /not followed/)
  t.same(asked, ['https://localhost/d'])
})

t.test('a POST is not redirected', async (t) => {
  const { origin, requests } = await serve(t, { '/post': redirectTo('/d', 307), '/d': (_request, response) => sendJson(response, {}) })
  await t.rejects(fetchJson(`${origin}/post`, settings, { method: 'POST', body: new URLSearchParams({ token: 'a' }) }), /redirects/)
  t.same(requests, ['/post'])
})

t.test('A5: a body of more than 1 MiB is refused, compressed or not', async (t) => {
  const big = Buffer.from(`{"a":"${'x'.repeat(1_048_576)}"}`)
  const { origin } = await serve(t, {
    '/plain': (_request, response) => response.end(big),
    '/gzip': (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(big)),
    '/endless': (_request, response) => {
      const more = (): void => { while (response.write(big)); }
      response.on('drain', more)
      more()
    },
    '/fits': (_request, response) => response.end(`{"a":"${'x'.repeat(1_048_568)}"}`)
  })
  for (const path of ['/plain', '/gzip', '/endless']) {
    t.match(await failure(fetchJson(origin + path, settings)), { message: /more than 1048576 bytes/ }, path)
  }
  await t.resolves(fetchJson(`${origin}/fits`, settings))
})

t.test('a host that does not answer in time, or stops in the middle, did not answer', async (t) => {
  const { origin } = await serve(t, {
    '/silent': () => {},
    '/half': (_request, response) => { response.writeHead(200); response.write('{"a":') },
    '/broken': (_request, response) => { response.writeHead(200, { 'content-length': '100' }); response.write('{"a":'); response.destroy() }
  })
  for (const path of ['/silent', '/half']) {
    t.match(await failure(fetchJson(origin + path, { ...settings, timeoutMs: 50 })), { host: 'silent', message: /no complete response within 50 ms/ }, path)
  }
  t.match(await failure(fetchJson(`${origin}/broken`, settings)), { host: 'silent' })
})

t.test('a refused connection is named, without credentials and query', async (t) => {
  const server = await startIssuer(t)
  await server.stop()
  const { port } = new URL(server.origin)
  t.match(await failure(fetchJson(`http://127.0.0.1:${port}/d?key=s3cret`, settings)), { host: 'silent', message: `http://127.0.0.1:${port}/d: fetch failed: ECONNREFUSED` })
  t.notMatch((await failure(fetchJson('http://user:s3cret@as.example/d', settings))).message, /s3cret/)
  t.notMatch((await failure(fetchJson(`http://user:s3cret@127.0.0.1:${port}/d`, settings))).message, /s3cret/)
})
