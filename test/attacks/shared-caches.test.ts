// A cache between the client and the gateway that keeps a response and gives it to somebody without a token:
// because the upstream, which knows of no credentials, called it public; or because a path was made to look
// like a file. Fell for it: web cache deception (Omer Gil 2017; CVE-2024-46982 in Next.js is of the kind),
// every protected path behind a CDN that goes by Cache-Control (RFC 9111 §3.5). It fails here because such a
// response is marked as not to be stored, and so is every refusal.
import t from 'tap'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { PERMITTED_CALL } from './assertions.js'

const NOT_STORED = [
  'public, max-age=31536000', 'PUBLIC', 's-maxage=60', 'max-age=60, must-revalidate', 'max-age=60, immutable, public',
  'private, public', 'private, s-maxage=60', 'private="x-user", must-revalidate', 'private = "x-user",must-revalidate',
  'x-private, must-revalidate'
]
const KEPT = [
  'private, max-age=60', 'private, must-revalidate', 'must-revalidate,Private', 'no-cache, no-store, must-revalidate',
  'no-cache', 'max-age=60'
]

t.test('F9: what the upstream calls public is not to be stored, edited or not', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  const expected = [
    ...NOT_STORED.map((given) => [given, 'no-store'] as const),
    ...KEPT.map((given) => [given, given] as const),
    [undefined, undefined] as const
  ]
  const edited = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"purge_everything"}]}}'
  for (const [given, told] of expected) {
    upstream.answer = (_request, response) => {
      const headers = given === undefined ? {} : { 'cache-control': given }
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(edited)
    }
    const requests = [
      { body: PERMITTED_CALL },
      { method: 'GET', target: '/mcp/logo.png' },
      { body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' }
    ]
    for (const request of requests) {
      const { text } = await sendOne(gateway, { ...request, token })
      t.equal(/\r\ncache-control: ([^\r]*)\r\n/i.exec(text)?.[1], told, `${given} in ${text}`)
    }
  }
})

t.test('a refusal is not to be stored', async (t) => {
  const { gateway, readToken } = await startScene(t)
  for (const request of [{}, { method: 'GET' }, { method: 'GET', target: '/mcp/logo.png' }, { token: 'x.y.z' }, { token: readToken, body: PERMITTED_CALL.replace('list_todos', 'delete_todo') }, { token: readToken, body: '[' }, { method: 'PUT', token: readToken }, { target: '/x' }]) {
    const { statuses, text } = await sendOne(gateway, request)
    t.ok((statuses[0] ?? 0) >= 400)
    t.match(text, /\r\ncache-control: no-store\r\n/i, `${statuses[0]}`)
  }
})

t.test('F9: what a cache or server in front obeys before Cache-Control does not come from the upstream', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  const names = [
    'CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control', 'Vercel-CDN-Cache-Control', 'Surrogate-Control', 'Edge-Control',
    'X-Accel-Expires', 'X-Accel-Redirect', 'X-Sendfile'
  ]
  upstream.answer = (_request, response) => {
    const headers = Object.fromEntries(names.map((name) => [name, 'max-age=60']))
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  for (const request of [{ body: PERMITTED_CALL }, { method: 'GET', target: '/mcp/logo.png' }]) {
    const { statuses, text } = await sendOne(gateway, { ...request, token })
    t.same(statuses, [200])
    for (const name of names) t.notMatch(text.toLowerCase(), name.toLowerCase(), name)
  }
})

t.test('P9: a result that only some may read never says that everybody may share it', async (t) => {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
  const result = '{"jsonrpc":"2.0","id":1,"result":{"contents":[],"ttlMs":60000,"cacheScope":"public"}}'
  const expected = result.replace('public', 'private')
  const policy = { resources: { 'todo://a': true } }
  const messages = [
    { method: 'resources/read', params: { uri: 'todo://a', _meta: meta } },
    { method: 'server/discover', params: { _meta: meta } }
  ]
  const rules = { ...policy, methods: { 'server/discover': true } }
  for (const filterLists of [true, false]) {
    const config = { policy: { ...rules, filterLists } }
    const { gateway, token, upstream } = await startScene(t, { config })
    for (const { method, params } of messages) {
      const name = 'uri' in params ? { 'mcp-name': params.uri } : {}
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...name }
      const ask = async (type: string, body: string | Buffer): Promise<string> => {
        upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': type }).end(body) }
        const response = await gateway.post(token, { jsonrpc: '2.0', id: 1, method, params }, { headers })
        return `${response.status} ${await response.text()}`
      }
      t.equal(await ask('application/json', result), `200 ${expected}`, method)
      t.equal(await ask('text/event-stream', `data: ${result}\n\n`), `200 data: ${expected}\n\n`, method)
      t.equal(await ask('application/json', '{"result":{}}'), '200 {"result":{}}', 'what says nothing stays')
      const twice = result.replace('"cacheScope"', '"cacheScope":"private","cacheScope"')
      t.match(await ask('application/json', twice), /^502 /)
      t.match(await ask('application/json', Buffer.alloc(17 * 1024 * 1024, 'x')), /^502 /, 'too large to be read')
    }
  }
})
