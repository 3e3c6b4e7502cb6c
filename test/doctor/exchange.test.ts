import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createSend } from '../../src/doctor/exchange.js'

const PIECES = 50_000

t.test('a stream that arrives in tiny pieces is not parsed again for each of them', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.cork() // so that they arrive together
    for (let index = 0; index < PIECES; index++) response.write('x')
    response.uncork()
    response.end('data: {}\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  let looks = 0
  const send = createSend({ timeoutMs: 60_000, requests: 1, secrets: [] })
  const isEnough = (text: string): boolean => {
    looks++
    return text.includes('\n\n')
  }
  const response = await send({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, isEnough
  })
  t.equal(response.text, `${'x'.repeat(PIECES)}data: {}\n\n`)
  t.ok(looks > 0 && looks < PIECES / 50, `${looks} looks`)
})
