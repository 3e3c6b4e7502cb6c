// A client that chooses the address under which the log has it, to frame somebody else or to hide. Fell for
// it: programs that read `X-Forwarded-For` from its left end, or believe it of anybody ("The perils of the
// real client IP", 2022, lists many). It fails here because the list is read from its right end, only as long
// as those who wrote the entries are trusted, and what is not an address ends the search (O4).
import { request } from 'node:http'
import t from 'tap'
import type { TestGateway } from '../helpers/gateway.js'
import { startScene } from '../helpers/scene.js'

/** Sends a request with header lines as they stand, and returns the address that its audit event has. */
async function loggedAddress (
  gateway: TestGateway, lines: readonly string[], localAddress = '127.0.0.1'
): Promise<unknown> {
  const { hostname, port, host } = new URL(gateway.origin)
  const headers = [`Host: ${host}`, ...lines].flatMap((line) => line.split(/: ?(.*)/s).slice(0, 2))
  const id = await new Promise<unknown>((resolve, reject) => {
    request({ hostname, port, path: '/mcp', localAddress, agent: false, setHost: false, headers: headers as never }, (response) => {
      response.resume().once('end', () => resolve(response.headers['x-request-id']))
    }).once('error', reject).end()
  })
  const event = await gateway.logged(({ event, requestId }) => event === 'request' && requestId === id)
  return event['clientAddress']
}

const FORWARDED_FOR = 'X-Forwarded-For: '

t.test('O4: without trusted proxies no header changes the address', async (t) => {
  const { gateway } = await startScene(t)
  const lies = ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Client-IP', 'X-Cluster-Client-IP', 'X-Forwarded', 'Forwarded-For', 'X-Original-Forwarded-For', 'X-Envoy-External-Address', 'X_Forwarded_For', 'X-ProxyUser-Ip', 'Via']
  for (const name of lies) {
    const value = name === 'Forwarded' ? 'for=198.51.100.7' : '198.51.100.7'
    t.equal(await loggedAddress(gateway, [`${name}: ${value}`]), '127.0.0.1', name)
  }
})

t.test('O4: a trusted proxy names the client, whatever the client wrote before', async (t) => {
  const { gateway } = await startScene(t, { config: { trustedProxies: ['loopback', '203.0.113.0/24', '2001:db8:1::/48'] } })
  const cases: ReadonlyArray<readonly [lines: readonly string[], address: string]> = [
    [[], '127.0.0.1'],
    [[FORWARDED_FOR], '127.0.0.1'],
    [[FORWARDED_FOR + '192.0.2.1'], '192.0.2.1'],
    [[FORWARDED_FOR + '198.51.100.7, 192.0.2.1'], '192.0.2.1'],
    [[FORWARDED_FOR + '198.51.100.7,192.0.2.1'], '192.0.2.1'],
    [[FORWARDED_FOR + '198.51.100.7, 127.0.0.1, 192.0.2.1'], '192.0.2.1'],
    // Proxies behind each other, all of them trusted.
    [[FORWARDED_FOR + '198.51.100.7, 192.0.2.1, 203.0.113.9'], '192.0.2.1'],
    [[FORWARDED_FOR + '198.51.100.7, 192.0.2.1, 2001:db8:1::5, 203.0.113.9'], '192.0.2.1'],
    // A client on a trusted address is a client all the same.
    [[FORWARDED_FOR + '127.0.0.9, 203.0.113.9'], '127.0.0.9'],
    // Several lines are one list (RFC 9110 §5.3), in their order.
    [[FORWARDED_FOR + '198.51.100.7', FORWARDED_FOR + '192.0.2.1'], '192.0.2.1'],
    [[FORWARDED_FOR + '198.51.100.7', 'X-A: b', 'x-forwarded-for: 192.0.2.1', 'X-FORWARDED-FOR: 203.0.113.9'], '192.0.2.1'],
    [['X_Forwarded_For: 198.51.100.7', FORWARDED_FOR + '192.0.2.1'], '192.0.2.1'],
    // Other headers do not count, however they are called.
    [['Forwarded: for=198.51.100.7', 'X-Real-IP: 198.51.100.7'], '127.0.0.1'],
    [['Connection: X-Forwarded-For', FORWARDED_FOR + '198.51.100.7, 192.0.2.1'], '192.0.2.1']
  ]
  for (const [lines, address] of cases) t.equal(await loggedAddress(gateway, lines), address, lines.join(' | '))
})

t.test('O4: an address has one spelling, and ports are left out', async (t) => {
  const { gateway } = await startScene(t, { config: { trustedProxies: ['loopback', '203.0.113.9'] } })
  const cases: Readonly<Record<string, string>> = {
    '192.0.2.1:4711': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::FFFF:c000:0201': '192.0.2.1',
    '[::ffff:192.0.2.1]:80': '192.0.2.1',
    '2001:DB8:0:0::1': '2001:db8::1',
    '[2001:db8::1]': '2001:db8::1',
    '[2001:db8::1]:443': '2001:db8::1',
    // A proxy that is trusted is so in every spelling, and is not the client.
    '192.0.2.1, ::ffff:203.0.113.9': '192.0.2.1',
    '192.0.2.1, ::ffff:cb00:7109': '192.0.2.1',
    '192.0.2.1, 203.0.113.9:4711': '192.0.2.1',
    '192.0.2.1 \t,\t 203.0.113.9': '192.0.2.1'
  }
  for (const [list, address] of Object.entries(cases)) {
    t.equal(await loggedAddress(gateway, [FORWARDED_FOR + list]), address, list)
  }
})

t.test('O4: what is not an address ends the search, and is not in the log', async (t) => {
  const { gateway } = await startScene(t, { config: { trustedProxies: ['loopback', '203.0.113.9'] } })
  const malformed = [
    'unknown', '_hidden', '"', 'localhost', 'evil.example', '192.0.2', '192.0.2.1.5', '192.0.2.256', '0300.0.2.1', '0xc0.0.2.1', '3221225985', '192.0.2.1:', '192.0.2.1:x', '192.0.2.1:123456', '192.0.2.1/24', '-192.0.2.1',
    '[192.0.2.1]', '[2001:db8::1', '2001:db8::1]', '[]', '[]:80', '[2001:db8::1]80', '2001:db8::1::2', '12345::1', ':', '::ffff:192.0.2.256', '192.0.2.1 192.0.2.2', '192.0.2.1;198.51.100.1', 'for=192.0.2.1', '"192.0.2.1"', '192.0.2.1\t192.0.2.2', '',
    '192.0.2.1\u00a0x', '\u00b9\u00b9.1.1.1', '<script>', '%0d%0a', 'a'.repeat(54), '1'.repeat(20_000), ':'.repeat(20_000)
  ]
  for (const entry of malformed) {
    const shown = entry.slice(0, 60)
    t.equal(await loggedAddress(gateway, [`${FORWARDED_FOR}198.51.100.7, ${entry}`]), '127.0.0.1', shown)
    t.equal(await loggedAddress(gateway, [`${FORWARDED_FOR}198.51.100.7, ${entry}, 203.0.113.9`]), '203.0.113.9', `${shown}, a proxy`)
    t.equal(await loggedAddress(gateway, [`${FORWARDED_FOR}${entry}, 192.0.2.1`]), '192.0.2.1', `${shown}, before`)
  }
})

t.test('a list of thousands of trusted addresses is not followed', async (t) => {
  const { gateway } = await startScene(t, { config: { trustedProxies: ['loopback'] } })
  const through = (proxies: number): string => `${FORWARDED_FOR}198.51.100.7${',127.0.0.1'.repeat(proxies)}`
  t.equal(await loggedAddress(gateway, [through(15)]), '198.51.100.7', '16 entries are read')
  t.equal(await loggedAddress(gateway, [through(16)]), '127.0.0.1', 'and no more')
  t.equal(await loggedAddress(gateway, [`${FORWARDED_FOR}fe80::1%eth0`]), 'fe80::1', 'a zone is left out')
  const long = `198.51.100.7${',127.0.0.1'.repeat(2_500)}`
  t.equal(await loggedAddress(gateway, [FORWARDED_FOR + long]), '127.0.0.1')
  t.equal(await loggedAddress(gateway, [FORWARDED_FOR + ','.repeat(20_000)]), '127.0.0.1')
})

t.test('O4: somebody beside the trusted proxy is not believed', async (t) => {
  const { gateway } = await startScene(t, { config: { trustedProxies: ['127.0.0.2', '192.0.2.0/24'] } })
  t.equal(await loggedAddress(gateway, [FORWARDED_FOR + '198.51.100.7'], '127.0.0.1'), '127.0.0.1')
  t.equal(await loggedAddress(gateway, [FORWARDED_FOR + '198.51.100.7, 192.0.2.1'], '127.0.0.3'), '127.0.0.3')
  t.equal(await loggedAddress(gateway, [FORWARDED_FOR + '198.51.101.7'], '127.0.0.2'), '198.51.101.7', 'the proxy is')
})

t.test('M7: a trusted proxy is believed nothing else', async (t) => {
  const { gateway, token, upstream } = await startScene(t, { config: { trustedProxies: ['loopback'] } })
  const lies = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Prefix': '/x', 'X-Forwarded-For': '127.0.0.1', Forwarded: 'host=evil.example' }
  const refused = await gateway.post(undefined, {}, { headers: lies })
  t.equal(refused.status, 401)
  t.match(refused.headers.get('www-authenticate'), `resource_metadata="${gateway.origin}/`)
  const foreign = await gateway.post(token, {}, { headers: { ...lies, Origin: 'https://evil.example' } })
  t.equal(foreign.status, 403)
  const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
  t.equal((await gateway.post(token, message, { headers: lies })).status, 200)
  t.notMatch(Object.keys(upstream.received[0]?.headers ?? {}).join(), /forwarded/)
})
