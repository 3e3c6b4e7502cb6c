import t from 'tap'
import { startGateway, toolCall } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startUpstream } from '../helpers/upstream.js'

t.test('a permitted call reaches the upstream byte for byte, and its response the client', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer })
  const body = '{"jsonrpc": "2.0", "id": 12345678901234567890,\n "method":"tools/call","params":{"name":"list_todos","arguments":{"n":1.50}}}'
  const token = await issuer.token({ aud: gateway.resource })
  const response = await gateway.post(token, body)
  t.equal(response.status, 200)
  t.equal(upstream.received[0]?.body.toString(), body)
  t.notOk(upstream.received[0]?.headers.authorization)
  t.equal((await gateway.post(token, toolCall('delete_todo'))).status, 200)
  t.equal((await gateway.post(await issuer.token({ aud: gateway.resource, scope: 'todo:read' }), toolCall('delete_todo'))).status, 403)
  t.match(await gateway.logged((line) => line['httpStatus'] === 403), { decision: 'deny', client: { target: 'delete_todo' } })
})
