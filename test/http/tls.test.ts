import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createSelfSignedCertificate } from '../helpers/certificate.js'
import { toolCall } from '../helpers/gateway.js'
import { startScene } from '../helpers/scene.js'

t.test('F7: an upstream whose certificate nobody vouches for is not sent anything', async (t) => {
  const certificate = createSelfSignedCertificate()
  const received: string[] = []
  const server = createServer(certificate, (incoming, response) => {
    received.push(incoming.url ?? '')
    response.end('here')
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const trusted = await new Promise<number | undefined>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/trusted', ca: certificate.cert, agent: false }, (response) => resolve(response.resume().statusCode)).once('error', reject).end()
  })
  t.equal(trusted, 200, 'who trusts the certificate is answered')

  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  for (const environment of [undefined, '0']) {
    if (environment !== undefined) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = environment
    const { gateway, send } = await startScene(t, { upstreamOrigin: `https://127.0.0.1:${port}` })
    const responses = [await send({ target: '/mcp' }), await send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(toolCall('list_todos')) })]
    for (const { status, body } of responses) {
      t.equal(status, 502)
      t.match(body, 'upstream_unreachable')
      t.notMatch(body, /127\.0\.0\.1|certificate|SELF_SIGNED/i)
    }
    t.match(await gateway.logged(
      ({ httpStatus }) => httpStatus === 502
    ), { client: { detail: /self-signed certificate/ } })
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  }
  t.same(received, ['/trusted'], 'even where the environment asks not to look')
})
