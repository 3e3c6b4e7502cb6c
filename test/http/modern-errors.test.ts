import t from 'tap'
import { startGateway } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startUpstream } from '../helpers/upstream.js'

const VERSION = '2026-07-28'
const META = { _meta: { 'io.modelcontextprotocol/protocolVersion': VERSION } }

t.test('M5: what a modern request lacks is told as the revision demands, and goes no further', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer, config: { policy: { methods: { '*': true } } } })
  const token = await issuer.token({ aud: gateway.resource })

  const cases: ReadonlyArray<readonly [
    what: string, method: string, params: object, status: number, code: number, error: string
  ]> = [
    ['no _meta', 'server/discover', {}, 400, -32602, 'bad_message'],
    ['no version in _meta', 'server/discover', { _meta: { 'io.modelcontextprotocol/clientCapabilities': {} } }, 400, -32602, 'bad_message'],
    ['a removed method without its target', 'resources/subscribe', META, 404, -32601, 'method_not_found'],
    ['the other one', 'resources/unsubscribe', META, 404, -32601, 'method_not_found']
  ]
  for (const [what, method, params, status, code, error] of cases) {
    const response = await gateway.post(token, { jsonrpc: '2.0', id: 7, method, params }, { headers: { 'mcp-protocol-version': VERSION, 'mcp-method': method } })
    t.match(
      [response.status, await response.json()], [status, { id: 7, error: { code, data: { error } } }], what
    )
  }
  t.strictSame(upstream.received, [])
})
