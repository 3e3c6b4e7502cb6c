// A client that fills the memory of the gateway, and of the Prometheus that scrapes it, with time series:
// each new value of a label is one. Fell for it: Go's promhttp, which labelled by whatever HTTP method came
// (CVE-2022-21698), and programs that label by path or Host. It fails here because labels are taken from the
// configuration and from fixed sets (O8).
import t from 'tap'
import { startIssuer } from '../helpers/issuer.js'
import { POLICY } from '../helpers/configuration.js'
import { toolCall } from '../helpers/gateway.js'
import { startMetered } from '../helpers/metered-gateway.js'
import { rawRequest, sendRaw } from '../helpers/raw-http.js'
import { startUpstream } from '../helpers/upstream.js'

const RESOURCE = 'https://mcp.example/mcp'
const EACH = 2_500
/** On one connection no more than 16 may wait. */
const TOGETHER = 10

t.test('O8: 10,000 made-up methods, tools, hosts and paths make no series', { timeout: 120_000 }, async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const { server, read, untilCounted } = await startMetered(t, { resource: RESOURCE, upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer], policy: POLICY })
  const gateway = { origin: server.url, resource: RESOURCE }
  const token = await issuer.token()
  const message = (method: string): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method })
  const kinds: ReadonlyArray<(n: number) => Buffer> = [
    (n) => rawRequest(gateway, { token, body: message(`made/up${n}`) }),
    (n) => rawRequest(gateway, { token, body: JSON.stringify(toolCall(`tool${n}"},x="`)) }),
    (n) => rawRequest(gateway, { headers: [`Host: h${n}.example`, `Mcp-Method: m${n}`, `Mcp-Name: n${n}`, `X-Forwarded-For: 10.0.${n >> 8}.${n & 255}`] }),
    (n) => rawRequest(gateway, { method: 'GET', target: `/mcp/${n}?${n}` })
  ]
  const sendAll = async (count: number, from: number): Promise<void> => {
    for (const kind of kinds) {
      for (let n = from; n < from + count; n += TOGETHER) {
        const length = Math.min(TOGETHER, from + count - n)
        const requests = Array.from({ length }, (_, index) => kind(n + index))
        const { statuses } = await sendRaw(gateway, requests, requests.length)
        if (statuses.length !== requests.length) t.fail(`${statuses.length} of ${requests.length}`)
      }
    }
  }
  const all = `postern_request_duration_seconds_count{resource="${RESOURCE}"}`
  await sendAll(1, 0)
  await untilCounted(all, kinds.length)
  const before = [...(await read()).keys()]
  await sendAll(EACH, 1)
  await untilCounted(all, kinds.length * (EACH + 1))
  t.strictSame([...(await read()).keys()], before)
  t.ok(before.length > 20)
})
