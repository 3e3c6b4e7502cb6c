// npm run bench: every candidate up at once, the load going round robin; prints medians, and
// ratios to the first candidate. See docs/performance.md for how to read it.
import { fork } from 'node:child_process'
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '4' }, connections: { type: 'string', default: '64' }, tokens: { type: 'string', default: '100' } } })
const [rounds, seconds, connections, tokenCount] = [values.rounds, values.seconds, values.connections, values.tokens].map(Number)
const PORTS = { upstream: 18080, issuer: 18090, 'fastify + http-proxy, no checks': 18001, 'the same + jose + parse + scope': 18002, postern: 18003 }
const upstream = `http://127.0.0.1:${PORTS.upstream}`
const issuer = `http://127.0.0.1:${PORTS.issuer}`
const resource = `http://127.0.0.1:${PORTS.postern}/mcp`
const here = (name) => new URL(name, import.meta.url).pathname

const { privateKey, publicKey } = await generateKeyPair('RS256')
const jwks = JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'bench', alg: 'RS256' }] })
const authorizationServer = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(request.url === '/jwks' ? jwks : JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }))
}).listen(PORTS.issuer, '127.0.0.1')
const now = Math.floor(Date.now() / 1000)
const tokens = await Promise.all(Array.from({ length: tokenCount }, (_, index) =>
  new SignJWT({ iss: issuer, aud: resource, sub: `user-${index}`, client_id: 'bench', scope: 'todo:read', iat: now, exp: now + 3600 }).setProtectedHeader({ alg: 'RS256', kid: 'bench' }).sign(privateKey)))
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos', arguments: { note: 'x'.repeat(96) } } })

const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'))
const config = join(directory, 'config.json')
writeFileSync(config, JSON.stringify({ resource, upstream: `${upstream}/mcp`, authorizationServers: [issuer], policy: { tools: { list_todos: 'todo:read' } } }))
const children = []
function start (script, args, env = {}) {
  const child = fork(script, args.map(String), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, ...env } })
  children.push(child)
  return child
}
const ready = (child) => new Promise((resolve) => child.once('message', resolve))

try {
  await ready(start(here('upstream.mjs'), [PORTS.upstream]))
  const passThrough = start(here('pass-through.mjs'), [PORTS['fastify + http-proxy, no checks'], upstream])
  await ready(passThrough)
  const byHand = start(here('checks-in-fastify.mjs'), [PORTS['the same + jose + parse + scope'], upstream, issuer, resource])
  await ready(byHand)
  const postern = start(here('../dist/cli.js'), ['serve', '--config', config, '--port', PORTS.postern])
  await until(() => fetch(`http://127.0.0.1:${PORTS.postern}/health`))

  const candidates = [['fastify + http-proxy, no checks', passThrough], ['the same + jose + parse + scope', byHand], ['postern', postern]]
  const results = new Map(candidates.map(([name]) => [name, []]))
  for (const [name] of candidates) await load(PORTS[name], 2) // warm
  for (let round = 0; round < rounds; round++) {
    for (const [name, child] of candidates) results.get(name).push(await measure(child.pid, PORTS[name]))
  }
  report(results)
} finally {
  for (const child of children) child.kill('SIGKILL')
  authorizationServer.close()
  authorizationServer.closeAllConnections()
  rmSync(directory, { recursive: true })
}

async function until (attempt) {
  for (let tries = 0; tries < 200; tries++) {
    if (await attempt().catch(() => undefined)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('a candidate did not start')
}

function load (port, duration) {
  const requests = tokens.map((token) => ({
    method: 'POST',
    path: '/mcp',
    body,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  }))
  return autocannon({ url: `http://127.0.0.1:${port}`, connections, duration, requests })
}

async function measure (pid, port) {
  const before = cpuMicroseconds(pid)
  const result = await load(port, seconds)
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`port ${port}: ${result.non2xx} answers were not 2xx, ${result.errors} errors`)
  const total = result['2xx']
  return { rps: total / result.duration, p50: result.latency.p50, p99: result.latency.p99, cpu: (cpuMicroseconds(pid) - before) / total }
}

/** User and system time of all threads. */
function cpuMicroseconds (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function median (numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}

function report (results) {
  const [[, base]] = results
  console.log(`\n${rounds} rounds of ${seconds} s, ${connections} connections, ${tokenCount} RS256 tokens, body ${body.length} B, Node ${process.version}\n`)
  console.log(['candidate'.padEnd(34), 'CPU µs/req', 'ratio', ' req/s', 'p50 ms', 'p99 ms'].join('  '))
  for (const [name, runs] of results) {
    const ratio = median(runs.map(({ cpu }, index) => cpu / base[index].cpu))
    const column = (key, digits, width) => median(runs.map((run) => run[key])).toFixed(digits).padStart(width)
    console.log([name.padEnd(34), column('cpu', 1, 10), ratio.toFixed(2).padStart(5), column('rps', 0, 6), column('p50', 0, 6), column('p99', 0, 6)].join('  '))
  }
}
