/**
 * `check --live` reads lists that an upstream wrote, in pipelines and on terminals. No upstream may keep it
 * busy, fill its memory, steer the terminal or make the report say something else.
 */
import t from 'tap'
import { listCatalog } from '../../src/catalog/list.js'
import { startMcpServer } from '../catalog/mcp-server.js'
import { todoConfig, writeConfig } from '../helpers/configuration.js'
import { sendJson, startIssuer } from '../helpers/issuer.js'
import { runCli } from '../helpers/process.js'
import { startUpstream, type TestUpstream } from '../helpers/upstream.js'
import type { Test } from 'tap'

/** Answers every list with what a function makes of the number of the page. */
function startLister (t: Test, page: (number: number, id: number) => unknown): Promise<TestUpstream> {
  let pages = 0
  return startUpstream(t, (_request, response, body) => {
    const { id, method } = JSON.parse(body.toString()) as { id: number, method: string }
    if (method === 'server/discover') return sendJson(response, { jsonrpc: '2.0', id, result: { capabilities: { tools: {} } } })
    sendJson(response, { jsonrpc: '2.0', id, result: page(pages++, id) })
  })
}

function list (server: TestUpstream, limits = {}): Promise<unknown> {
  return listCatalog({ upstream: `${server.origin}/mcp`, headers: {}, limits })
}

t.test('pages without end stop at a number of requests', async (t) => {
  const server = await startLister(t, (page) => ({ tools: [{ name: `t${page}` }], nextCursor: `${page}` }))
  await t.rejects(list(server, { requests: 20 }), { message: 'it takes more than 20 requests' })
  t.equal(server.received.length, 20)
})

t.test('pages that repeat a cursor stop at the second time', async (t) => {
  const server = await startLister(t, () => ({ tools: [], nextCursor: 'again' }))
  await t.rejects(list(server), { message: /repeats a cursor/ })
  t.equal(server.received.length, 3)
})

t.test('pages that are large stop at a number of bytes, and lists at a number of names', async (t) => {
  const large = await startLister(t, (page) => ({ tools: [{ name: 'x'.repeat(100_000) }], nextCursor: `${page}` }))
  await t.rejects(list(large, { bytes: 1_000_000 }), { message: 'it sends more than 1000000 bytes' })
  t.ok(large.received.length < 15)
  const many = await startLister(t, (page) => (
    { tools: Array.from({ length: 5_000 }, (_, index) => ({ name: `${page}-${index}` })), nextCursor: `${page}` }
  ))
  await t.rejects(list(many), { message: /more than 20000 entries/ })
})

t.test('a response that drips, or never comes, stops at the time limit', async (t) => {
  const silent = await startUpstream(t, () => {})
  await t.rejects(list(silent, { ms: 300 }), { message: /^(it takes more than 300 ms|timeout: )/ })
  const dripping = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write(': still here\n\n'), 20)
    response.on('close', () => clearInterval(timer))
  })
  await t.rejects(list(dripping, { ms: 300 }), { message: 'it takes more than 300 ms' })
})

t.test('lists that two readers could read differently are refused, as the gateway refuses them', async (t) => {
  const lists = [
    '{"tools":[{"name":"a"}],"tools":[{"name":"b"}]}', '{"tools":{"name":"a"}}', '{"tools":[{"Name":"a"}]}',
    '{"tools":[{"name":7}]}', '{"tools":"' + '['.repeat(3) + '"}'
  ]
  for (const text of lists) {
    const server = await startUpstream(t, (_request, response, body) => {
      const { id, method } = JSON.parse(body.toString()) as { id: number, method: string }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`{"jsonrpc":"2.0","id":${id},"result":${method === 'server/discover' ? '{}' : text}}`)
    })
    await t.rejects(list(server), { message: /cannot be read, so the gateway would not pass it on/ }, text)
  }
})

t.test('a response with another id, in a stream, is not taken for the right one', async (t) => {
  const server = await startUpstream(t, (_request, response, body) => {
    const { id, method } = JSON.parse(body.toString()) as { id: number, method: string }
    if (method === 'server/discover') return sendJson(response, { jsonrpc: '2.0', id, result: { capabilities: { tools: {} } } })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [other, name] of [[id + 1, 'wrong'], [String(id), 'wrong too'], [id, 'right']] as const) {
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: other, result: { tools: [{ name }] } })}\n\n`)
    }
  })
  t.match(await list(server), { tools: ['right'] })
})

t.test('names steer no terminal and forge no line, as text and as JSON', async (t) => {
  const names = ['\u001b[2J\u001b]0;evil\u0007', 'a\n  ✓ all is well', '\u202egnp', '\u{e0041}', 'b\u2028c', 'x'.repeat(5_000)]
  const tools = [...names, ...Array.from({ length: 100 }, (_, index) => `tool${index}`)].map((name) => ({ name }))
  const server = await startMcpServer(t, { pages: { 'tools/list': [tools] }, capabilities: { tools: {} } })
  const issuer = await startIssuer(t)
  issuer.metadata['scopes_supported'] = ['\u001b[2J']
  const { file } = writeConfig(t, todoConfig({ upstream: `${server.origin}/mcp`, authorizationServers: [issuer.issuer] }))
  const { stdout } = await runCli(t, ['check', '--live', '--config', file])
  t.notMatch(stdout, /[^\n\P{C}]|[\u2028\u2029]/u)
  t.equal(stdout.split('\n').filter((line) => line.includes('all is well')).length, 1)
  t.notMatch(stdout, /^ {2}✓ all is well/m)
  t.ok(stdout.length < 8_000, 'many and long names are cut')
  const json = await runCli(t, ['check', '--live', '--json', '--config', file])
  t.match(json.stdout, /^[\n\x20-\x7e]+$/)
  t.match(JSON.parse(json.stdout), { version: 1, servers: [{ live: Array }] })
})

t.test('a redirect does not lead away from the upstream', async (t) => {
  const elsewhere = await startMcpServer(t, { pages: { 'tools/list': [[{ name: 'a' }]] } })
  const server = await startUpstream(t, (_request, response) => {
    response.writeHead(307, { location: `${elsewhere.origin}/mcp` }).end()
  })
  await t.rejects(list(server), { message: /^redirect: / })
  t.strictSame(elsewhere.received, [])
})
