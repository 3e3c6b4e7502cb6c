import { FastMCP } from 'fastmcp'
import t, { type Test } from 'tap'
import { startGateway } from '../helpers/gateway.js'
import { findFreePort } from '../helpers/ports.js'
import { examineSample, findingOf, unmet } from './examination.js'
import { startSampleServer } from './sample-server.js'

const QUIET = { debug () {}, error () {}, info () {}, log () {}, warn () {} }

async function startFastMcp (t: Test, stateless: boolean): Promise<string> {
  const server = new FastMCP({ name: 'fastmcp', version: '1.0.0', logger: QUIET })
  server.addTool({ name: 'greet', execute: async () => 'hello' })
  const port = await findFreePort()
  await server.start({
    transportType: 'httpStream', httpStream: { host: '127.0.0.1', port, endpoint: '/mcp', stateless }
  })
  t.after(() => server.stop())
  return `http://127.0.0.1:${port}/mcp`
}

for (const stateless of [false, true]) {
  const sessions = stateless ? 'without sessions' : 'with sessions'
  t.test(`Postern before FastMCP ${sessions} passes every check that fits its revision`, async (t) => {
    const upstream = await startFastMcp(t, stateless)
    const { issuer, token } = await startSampleServer(t)
    const gateway = await startGateway(t, {
      upstream,
      issuer: issuer.issuer,
      config: { policy: { tools: { greet: 'todo:read' } }, defaultScopes: ['todo:read'] }
    })
    const findings = await examineSample(gateway.resource, { token: await token({ aud: gateway.resource }) })
    t.strictSame(unmet(findings), [])
    t.match(findingOf(findings, 'token-accepted'), { result: 'pass', detail: /^revision / })
    t.match(findingOf(findings, 'tools-list'), { result: 'pass', detail: '1 on the first page' })
  })
}

t.test('FastMCP without Postern is open', async (t) => {
  const findings = await examineSample(await startFastMcp(t, true), { token: 'token-of-the-test' })
  t.strictSame(unmet(findings), [
    'post-unauthenticated: fail', 'head-unauthenticated: fail', 'metadata-found: fail',
    'foreign-origin: fail', 'batch: fail', 'duplicate-members: warn'
  ])
})
