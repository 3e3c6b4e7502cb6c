// npm run bench: starts all candidates and puts load on one after the other, in rounds. Prints medians,
// and ratios to the first candidate. docs/performance.md says how to read them.
import { fork } from 'node:child_process'
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '100' }
  }
})
const [rounds, seconds, connections, tokenCount] =
  [values.rounds, values.seconds, values.connections, values.tokens].map(Number)
const PORTS = { upstream: 18080, issuer: 18090, passThrough: 18001, byHand: 18002, postern: 18003 }
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
const exp = now + 3600
const claims = { iss: issuer, aud: resource, client_id: 'bench', scope: 'todo:read', iat: now, exp }
const tokens = await Promise.all(Array.from({ length: tokenCount }, (_, index) => {
  const token = new SignJWT({ ...claims, sub: `user-${index}` })
  return token.setProtectedHeader({ alg: 'RS256', kid: 'bench' }).sign(privateKey)
}))
const params = { name: 'list_todos', arguments: { note: 'x'.repeat(96) } }
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })

const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'))
const config = join(directory, 'config.json')
writeFileSync(config, JSON.stringify({
  resource,
  upstream: `${upstream}/mcp`,
  authorizationServers: [issuer],
  policy: { tools: { list_todos: 'todo:read' } }
}))
const children = []
function start (script, args) {
  const child = fork(script, args.map(String), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  children.push(child)
  return child
}
const ready = (child) => new Promise((resolve) => child.once('message', resolve))

try {
  await ready(start(here('upstream.mjs'), [PORTS.upstream]))
  const passThrough = start(here('pass-through.mjs'), [PORTS.passThrough, upstream])
  await ready(passThrough)
  const byHand = start(here('authorize-in-fastify.mjs'), [PORTS.byHand, upstream, issuer, resource])
  await ready(byHand)
  const postern = start(here('../dist/cli.js'), ['serve', '--config', config, '--port', PORTS.postern])
  await until(() => fetch(`http://127.0.0.1:${PORTS.postern}/health`))

  const candidates = [
    { name: 'fastify + http-proxy, no checks', pid: passThrough.pid, port: PORTS.passThrough, runs: [] },
    { name: 'the same + jose + parse + scope', pid: byHand.pid, port: PORTS.byHand, runs: [] },
    { name: 'postern', pid: postern.pid, port: PORTS.postern, runs: [] }
  ]
  for (const { port } of candidates) await load(port, 2) // warm
  for (let round = 0; round < rounds; round++) {
    for (const { pid, port, runs } of candidates) runs.push(await measure(pid, port))
  }
  report(candidates)
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
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream'
    }
  }))
  return autocannon({ url: `http://127.0.0.1:${port}`, connections, duration, requests })
}

async function measure (pid, port) {
  const before = cpuMicroseconds(pid)
  const { non2xx, errors, latency: { p50, p99 }, duration, '2xx': total } = await load(port, seconds)
  if (non2xx > 0 || errors > 0) {
    throw new Error(`port ${port}: ${non2xx} responses were not 2xx, ${errors} errors`)
  }
  return { rps: total / duration, p50, p99, cpu: (cpuMicroseconds(pid) - before) / total }
}

/** Returns the user and system time of all threads of a process. */
function cpuMicroseconds (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function median (numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}

function report (candidates) {
  const [base] = candidates
  const load = `${connections} connections, ${tokenCount} RS256 tokens, body ${body.length} B`
  console.log(`\n${rounds} rounds of ${seconds} s, ${load}, Node ${process.version}\n`)
  console.log(['candidate'.padEnd(34), 'CPU µs/req', 'ratio', ' req/s', 'p50 ms', 'p99 ms'].join('  '))
  for (const { name, runs } of candidates) {
    const ratio = median(runs.map(({ cpu }, index) => cpu / base.runs[index].cpu))
    const column = (key, digits, width) => median(runs.map((run) => run[key])).toFixed(digits).padStart(width)
    console.log([
      name.padEnd(34), column('cpu', 1, 10), ratio.toFixed(2).padStart(5),
      column('rps', 0, 6), column('p50', 0, 6), column('p99', 0, 6)
    ].join('  '))
  }
}
