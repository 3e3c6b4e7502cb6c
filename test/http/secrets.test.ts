import t from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { sendJson } from '../helpers/issuer.js'
import { openConnection } from '../helpers/raw-connection.js'
import { type RawRequest, type RawResponse, send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

/** Each secret holds this, so that one search finds whichever leaks. */
const MARK = 'S3CR3T'
const secret = (name: string): string => `${MARK}-${name}-${'0123456789'.repeat(3)}`

const HEADERS = [
  `Cookie: sid=${secret('cookie')}`, `Proxy-Authorization: Basic ${secret('proxy')}`, `DPoP: ${secret('dpop')}`, `X-Api-Key: ${secret('client-key')}`,
  `Mcp-Param-Password: ${secret('param')}`, `X-Forwarded-Access-Token: ${secret('forwarded')}`, 'Content-Type: application/json'
]
const ARGUMENTS = { password: secret('argument'), [secret('key')]: 1 }
const CALL = JSON.stringify(toolCall('list_todos', ARGUMENTS, secret('id')))

for (const logLevel of ['info', 'debug']) {
  t.test(`O5: no credential, no argument and no key is in any log line of level ${logLevel} or, unless the client sent it, in any response`, async (t) => {
    const { gateway, upstream, issuer, tokenWith } = await startScene(t, { logLevel })
    const introspection = { endpoint: `${issuer.origin}/introspect`, clientId: 'gateway', clientSecret: secret('client-secret'), cacheSeconds: 0 }
    const config = {
      authorizationServers: [{ issuer: issuer.issuer, introspection }],
      upstreamHeaders: { 'X-Upstream-Key': secret('upstream-key'), Authorization: `Bearer ${secret('upstream-token')}` },
      session: { key: [secret('session-key'), secret('old-session-key')] },
      limits: { upstreamTimeoutMs: 100, bodyBytes: 4096 }
    }
    await gateway.reload(config)
    issuer.routes.set('/introspect', (_request, response) => sendJson(response, { active: false }))

    const good = await tokenWith({ jti: secret('jti') })
    const signature = good.slice(good.lastIndexOf('.') + 1)
    const responses: RawResponse[] = []
    const attempt = async (request: RawRequest, token: string = good): Promise<void> => {
      const response = await send(gateway.origin, { ...request, headers: [...HEADERS, ...(request.headers as readonly string[] | undefined ?? []), `Authorization: Bearer ${token}`] }).catch(() => undefined)
      if (response !== undefined) responses.push(response)
    }
    const post = (body: string | Buffer, more: Partial<RawRequest> = {}, token?: string): Promise<void> => attempt({ method: 'POST', target: '/mcp', body, ...more }, token)
    const everyWay = async (): Promise<void> => {
      await post(CALL)
      for (const method of ['GET', 'HEAD', 'DELETE', 'PUT', 'OPTIONS']) await attempt({ method, target: `/mcp/x?q=${secret('query')}` })
    }

    await everyWay()
    // tokens that are refused, whole and in pieces, in every place
    for (const token of [secret('opaque'), `${good}x`, await tokenWith({ exp: 1, jti: secret('jti') }), await tokenWith({ aud: 'https://other.example', nonce: secret('nonce') }), `${secret('a')}.${secret('b')}.${secret('c')}`, `${good} ${secret('junk')}`, `"${secret('quoted')}`]) {
      await post(CALL, {}, token)
      await post(CALL, { target: `/mcp?access_token=${token.replaceAll(/[ "]/g, '')}` })
    }
    await attempt({ target: '/mcp', headers: [`Authorization: Bearer ${secret('second')}`] })
    await attempt({ target: `/mcp/%2e%2e/${secret('path')}` })
    await attempt({ target: `/mcp/%zz/${secret('path')}` })
    await attempt({ target: `/${secret('elsewhere')}` })
    // messages that are refused
    for (const body of ['{', `{"${secret('member')}":1,"${secret('member')}":2}`, `[${CALL}]`, CALL.replace('2.0', secret('version')), CALL.padEnd(5000), Buffer.from([0xff])]) await post(body)
    await post(JSON.stringify(toolCall('unlisted', ARGUMENTS)))
    await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { clientInfo: { name: secret('client-name') } } }))
    await post(CALL, { headers: ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: x', `Mcp-Name: ${secret('name')}`] })
    await post(CALL, { headers: [`Mcp-Session-Id: ${secret('session')}`] })
    await post(CALL, { headers: [`Content-Encoding: ${secret('encoding')}`] })
    await post(CALL, { headers: ['Origin: https://evil.example'] })
    await post(CALL, { headers: ['Host: evil.example'] })
    // an upstream that fails in every way, and says what it was sent
    for (const status of [200, 301, 307, 401, 403, 404, 500, 503]) {
      upstream.answer = (request, response) => { response.writeHead(status, { location: `http://user:${secret('password')}@inner/login?token=${secret('location')}#${secret('fragment')}`, 'x-upstream': 'yes', 'set-cookie': secret('set-cookie') }).end(request.method === 'HEAD' ? undefined : 'no') }
      await everyWay()
    }
    upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n', () => response.destroy()) }
    await everyWay()
    upstream.answer = () => {}
    await everyWay()
    await upstream.stop()
    await everyWay()
    // broken requests, and a client that leaves
    for (const text of [`GET /mcp?${secret('raw')} HTTP/9.9\r\n\r\n`, `${secret('method')} / HTTP/1.1\r\n\r\n`, `GET /mcp HTTP/1.1\r\nHost: localhost\r\n${secret('header')} : x\r\n\r\n`, `GET /mcp HTTP/1.1\r\nHost: localhost\r\nX-Long: ${MARK.repeat(20_000)}\r\n\r\n`]) {
      const client = await openConnection(t, gateway.origin)
      client.write(text)
      await client.closed
    }
    // an authorization server that fails
    for (const mode of ['fail', 'serve'] as const) {
      issuer.mode = mode
      issuer.routes.set('/introspect', (_request, response) => sendJson(response, { error: secret('introspection-answer') }, 401))
      await post(CALL, {}, secret('opaque-again'))
    }
    await issuer.stop()
    await post(CALL, {}, secret('opaque-last'))
    await gateway.stop()

    t.ok(gateway.log.length > 100, `${gateway.log.length} lines`)
    const leaks = gateway.log.map((line) => JSON.stringify(line)).filter((line) => line.includes(MARK) || line.includes(signature) || line.includes(Buffer.from(MARK).toString('base64').slice(0, 8)))
    t.same(leaks, [], 'the log')
    // The client gets back the id that it sent; nothing else.
    const told = responses.map(({ headers, body }) => JSON.stringify([headers, body]).replaceAll(secret('id'), '')).filter((text) => text.includes(MARK) || text.includes(signature))
    t.same(told, [], 'the responses')
  })
}
