// npm run fuzz: mutates real messages and holds them to one invariant: whatever is forwarded is allowed,
// however naively somebody reads it. Most executions use only the reader and the policy. The others go
// through a whole gateway on real sockets, and the fuzzer examines what reaches its upstream.
import { parseArgs } from 'node:util'
import { canBeSent, mutateHeaders } from './headers.js'
import { CORPUS, findForbiddenReading, isForwarded, type Sample } from './message.js'
import { mutate, seededRandom } from './mutate.js'
import { startPath } from './path.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    executions: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) }
  }
})
const [seconds, executions, seed] = [Number(values.seconds), Number(values.executions), Number(values.seed)]

/** Requests that go through the gateway at the same time, and executions without it between two batches. */
const BATCH = 16
const READS_PER_BATCH = 4_000

const random = seededRandom(seed)
const path = await startPath()
const deadline = Date.now() + seconds * 1000
const counts = { read: 0, readForwarded: 0, sent: 0, reached: 0 }

function report (finding: string, { headers, body }: Sample): never {
  console.error(`FINDING (seed ${seed}): ${finding}`)
  console.error(JSON.stringify(headers))
  console.error(body.toString('base64'))
  console.error(JSON.stringify(body.toString('latin1')))
  process.exit(1)
}

function examine (sample: Sample): void {
  const forbidden = findForbiddenReading(sample)
  if (forbidden !== undefined) report(`forwarded, but ${JSON.stringify(forbidden)}`, sample)
}

function isOver (): boolean {
  return executions > 0 ? counts.read + counts.sent >= executions : Date.now() >= deadline
}

const BODIES = CORPUS.map(({ body }) => body)

/** Returns a new request: with a mutated body, mutated headers, or both. */
function next (): Sample {
  const { headers, body } = CORPUS[Math.floor(random() * CORPUS.length)] as Sample
  const isBodyMutated = random() < 0.8
  const mutated = mutateHeaders(headers, random)
  return {
    headers: canBeSent(mutated) ? mutated : headers,
    body: isBodyMutated ? mutate(body, BODIES, random) : body
  }
}

while (!isOver()) {
  for (let index = 0; index < READS_PER_BATCH; index++) {
    const sample = next()
    counts.read++
    if (!isForwarded(sample)) continue
    counts.readForwarded++
    examine(sample)
  }
  const samples = Array.from({ length: BATCH }, next)
  counts.sent += samples.length
  const outcomes = await Promise.all(samples.map((sample) => path.send(sample)))
  for (const [index, outcome] of outcomes.entries()) {
    const sample = samples[index] as Sample
    if (outcome.kind === 'failed') {
      report(`the gateway answered ${outcome.status} (expected 400 or 403)`, sample)
    }
    if (outcome.kind === 'refused') continue
    counts.reached++
    const isSame = outcome.received.body.equals(sample.body)
    if (!isSame) report('the upstream received other bytes than were sent', sample)
    examine(outcome.received)
  }
}
await path.close()
if (counts.readForwarded === 0 || counts.reached === 0) {
  console.error('nothing was forwarded: this run has tested nothing')
  process.exit(1)
}
const { read, readForwarded, sent, reached } = counts
const forwarded = `${readForwarded} of ${read} read and ${reached} of ${sent} sent were forwarded`
console.log(`fuzz: seed ${seed}, ${read + sent} executions without a finding (${forwarded})`)
