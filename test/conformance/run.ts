/**
 * Compares what the official suite finds directly and through Postern, and docs/conformance.md with the
 * outcome. Exits with 1 when anything differs; `--write` writes the page instead of comparing it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeAfter, type Closing } from '../helpers/closing.js'
import { settlePage } from '../helpers/generated-page.js'
import { ROOT } from '../helpers/root.js'
import { formatDocument, formatTable } from './document.js'
import { startGateway } from './gateway.js'
import { areIdentical, compareReports, type Comparison } from './report.js'
import { startConformanceServer } from './server.js'
import { installSuite, runSuite, SUITE_VERSION, type Suite } from './suite.js'

const REVISIONS = ['2025-11-25', '2026-07-28'] as const
const DOCUMENT = join(ROOT, 'docs/conformance.md')

const { values: { write } } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main (): Promise<number> {
  const suite = await installSuite(stop.signal)
  const comparisons: Comparison[] = []
  for (const revision of REVISIONS) {
    comparisons.push(await closeAfter((closing) => compareWays(closing, suite, revision)))
  }
  process.stdout.write(`${formatTable(comparisons)}\n\n`)
  const isDocumented = await settlePage({
    page: DOCUMENT, text: formatDocument(comparisons), write, remedy: 'npm run conformance -- --write'
  })
  const isIdentical = comparisons.every(areIdentical)
  const result = isIdentical ? 'identical' : 'DIFFERENT'
  process.stdout.write(`conformance ${SUITE_VERSION}: ${result} directly and through Postern\n`)
  return isIdentical && isDocumented ? 0 : 1
}

/** Each way has its own server: with one for both, changes by one run would reach the other's listeners. */
async function compareWays (closing: Closing, suite: Suite, revision: string): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-conformance-'))
  closing.after(() => rm(folder, { recursive: true, force: true }))
  const urls = [
    await startConformanceServer(closing),
    await startGateway(closing, await startConformanceServer(closing), folder)
  ]
  const failure = new AbortController() // when one run breaks off, the other is useless
  closing.after(() => failure.abort())
  const signal = AbortSignal.any([stop.signal, failure.signal])
  const runs = urls.map((url) => runSuite(suite, { url, revision, folder, signal }))
  const [direct = [], through = []] = await Promise.all(runs)
  return compareReports(revision, direct, through)
}
