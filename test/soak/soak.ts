// npm run soak: a gateway with a small heap under everything at once, for ten minutes or --seconds: calls,
// lists, streams, clients that leave, strangers with odd bodies; and meanwhile reloads, key rotations,
// restarts of the upstream and a log that nobody reads. It ends with figures, and with exit code 1 when a
// bound does not hold.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { resourceName } from '../commands/serving.js'
import { closeAfter, type Closing } from '../helpers/closing.js'
import { RESOURCE, todoConfig } from '../helpers/configuration.js'
import { startIssuer } from '../helpers/issuer.js'
import { findFreePort } from '../helpers/ports.js'
import { CLI } from '../helpers/process.js'
import { until } from '../helpers/until.js'
import { startTraffic, type Outcomes, type Traffic } from './traffic.js'
import { startUpstream } from './upstream.js'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })
const seconds = Number(values.seconds)

/** V8's heap; and the bounds that the gateway has to keep. */
const HEAP_MIB = 256
const MOST_RESIDENT_MIB = 512
const MOST_DESCRIPTORS_AT_REST = 40
const REST_MS = 10_000

const RELOAD_MS = 5_000
const ROTATION_MS = 40_000
const RESTART_MS = 15_000
const UPSTREAM_PAUSE_MS = 500
const STALL_MS = 60_000
const STALLED_MS = 30_000
const LOOK_MS = 250

/**
 * What each kind of client may see. 502 and a broken connection come from the upstream's restarts, 503 from
 * keys that may not be fetched yet (A6).
 */
const EXPECTED: Readonly<Record<keyof Traffic['outcomes'], RegExp>> = {
  calls: /^(200|50[23]|ECONNRESET)$/,
  lists: /^(200|50[23]|ECONNRESET)$/,
  forbidden: /^(403|503)$/,
  streams: /^(200|50[23]|ECONNRESET)$/,
  aborted: /^(200|50[23]|ECONNRESET)$/,
  strangers: /^(400|401|503|closed|ECONNRESET|EPIPE)$/
}

const problems: string[] = []
function expect (holds: boolean, problem: string): void {
  if (!holds) problems.push(problem)
}

interface Gateway {
  readonly url: string
  readonly port: number
  /** The log, without what was not read yet. */
  readonly log: () => string
  stall (): void
  goOn (): void
  residentMiB (): number
  descriptors (): number
  stop (): Promise<number | null>
}

async function startGateway (closing: Closing, file: string): Promise<Gateway> {
  const port = await findFreePort()
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, CLI, 'serve', '--config', file], {
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  closing.after(() => { child.kill('SIGKILL') })
  let log = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { log += text })
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  await until(() => log.includes('"event":"started"'), 'the gateway starts', { withinMs: 20_000 })
  const status = (): string => readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    log: () => log,
    stall: () => { child.stdout.pause() },
    goOn: () => { child.stdout.resume() },
    residentMiB: () => Number(/VmRSS:\s+(\d+)/.exec(status())?.[1]) / 1024,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    stop () {
      child.kill('SIGTERM')
      return ended
    }
  }
}

/** Does something again and again, until it is told to stop. */
function every (ms: number, work: () => Promise<void> | void): () => void {
  const timer = setInterval(() => {
    Promise.resolve(work()).catch((error: Error) => problems.push(error.message))
  }, ms)
  return () => clearInterval(timer)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

function check (kind: keyof Traffic['outcomes'], outcomes: Outcomes): void {
  for (const [outcome, count] of Object.entries(outcomes)) {
    expect(EXPECTED[kind].test(outcome), `${kind}: ${outcome}, ${count} times`)
  }
}

await closeAfter(async (closing) => {
  const issuer = await startIssuer(closing, { audience: RESOURCE })
  const upstreamPort = await findFreePort()
  const upstream = await startUpstream(upstreamPort)
  closing.after(() => upstream.stop())
  const directory = mkdtempSync(join(tmpdir(), 'postern-soak-'))
  closing.after(() => { rmSync(directory, { recursive: true }) })
  const file = join(directory, 'postern.json')
  let version = 0
  function writeConfig (): void {
    const metadata = { resource_name: `version ${version++}` }
    const behind = { upstream: `http://127.0.0.1:${upstreamPort}/mcp`, authorizationServers: [issuer.issuer] }
    writeFileSync(`${file}.next`, JSON.stringify(todoConfig({ ...behind, metadata })))
    renameSync(`${file}.next`, file)
  }
  writeConfig()
  const gateway = await startGateway(closing, file)
  let token = issuer.token({ scope: 'todo:read todo:write' })
  const traffic = startTraffic({ port: gateway.port, token: () => token })
  let [most, rotations, restarts] = [0, 0, 0]
  const ends = [
    every(RELOAD_MS, writeConfig),
    every(ROTATION_MS, async () => {
      const { jwk } = issuer.key
      await issuer.rotate(`key-${++rotations}`)
      // The last key stays published for a while, as at real authorization servers: tokens that it has signed
      // are under way.
      issuer.keys.push(jwk)
      token = issuer.token({ scope: 'todo:read todo:write' })
    }),
    every(RESTART_MS, () => {
      restarts++
      return upstream.restart(UPSTREAM_PAUSE_MS)
    }),
    every(STALL_MS, async () => {
      gateway.stall()
      await pause(STALLED_MS)
      gateway.goOn()
    }),
    every(LOOK_MS, () => { most = Math.max(most, gateway.residentMiB()) })
  ]
  await pause(seconds * 1000)
  for (const end of ends) end()
  gateway.goOn()
  await pause(Math.max(UPSTREAM_PAUSE_MS * 2, REST_MS / 4))
  await traffic.stop()
  await pause(REST_MS)

  const descriptors = gateway.descriptors()
  const atRest = gateway.residentMiB()
  expect((await fetch(`${gateway.url}/health`)).status === 200, 'it is not healthy at the end')
  for (const [kind, outcomes] of Object.entries(traffic.outcomes)) {
    check(kind as keyof Traffic['outcomes'], outcomes)
    console.log(`${kind.padEnd(10)} ${JSON.stringify(outcomes)}`)
  }
  expect((traffic.outcomes.calls['200'] ?? 0) > seconds * 10, 'hardly any call went through')
  expect(most < MOST_RESIDENT_MIB, `${most.toFixed(0)} MiB were resident`)
  expect(descriptors <= MOST_DESCRIPTORS_AT_REST, `${descriptors} descriptors are open at rest`)
  const name = await resourceName(gateway.url)
  expect(name === `version ${version - 1}`, `${String(name)} is in use, not version ${version - 1}`)
  const code = await gateway.stop()
  expect(code === 0, `exit code ${code}`)
  const events = (name: string): number => gateway.log().split(`"event":"${name}"`).length - 1
  expect(events('failure') === 0, `${events('failure')} failures in the log`)
  console.log(`resident: ${most.toFixed(0)} MiB at most, ${atRest.toFixed(0)} at rest; descriptors at rest: ${descriptors}`)
  console.log(`${version - 1} reloads, ${rotations} key rotations, ${restarts} restarts of the upstream, ` +
    `${events('request')} audit events, ${events('log')} gaps in the log`)
})
for (const problem of problems) console.error(`FAILED ${problem}`)
console.log(problems.length === 0 ? 'soak: every bound holds' : `soak: ${problems.length} FAILED`)
process.exitCode = problems.length === 0 ? 0 : 1
