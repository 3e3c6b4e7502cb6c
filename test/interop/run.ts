/**
 * Lets every client do the same task at every upstream through Postern, and compares docs/interop.md with the outcome. Exits
 * with 1 when a cell fails, or when the page is not what was found; `--write` writes the page instead of comparing it, and
 * `--only <word>` keeps the upstreams whose title has the word.
 */
import { parseArgs } from 'node:util'
import { settleDocument } from './page.js'
import { formatTable } from './document.js'
import { listClients } from './clients.js'
import { openPrograms } from './programs.js'
import { tryAll } from './matrix.js'
import { listUpstreams } from './upstreams.js'
import { readVersions } from './versions.js'

const { values: { write, only } } = parseArgs({
  options: { write: { type: 'boolean', default: false }, only: { type: 'string', default: '' } }
})
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`interop: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main (): Promise<number> {
  const versions = await readVersions()
  const upstreams = (await listUpstreams(versions)).filter(({ title }) => title.includes(only))
  const rows = await tryAll({
    upstreams,
    clients: listClients(versions),
    programs: openPrograms(stop.signal),
    signal: stop.signal,
    report: (line) => process.stdout.write(`${line}\n`)
  })
  process.stdout.write(`\n${formatTable(rows)}\n`)
  const outcomes = rows.flatMap(({ cells }) => cells.map(({ outcome }) => outcome.kind))
  const count = (kind: string): number => outcomes.filter((outcome) => outcome === kind).length
  process.stdout.write(`\ninterop: ${count('ok')} ok, ${count('impossible') + count('missing')} cannot run, ${count('failed')} FAILED\n`)
  const isSettled = only !== '' || await settleDocument(rows, { versions, write, print: (line) => process.stdout.write(`${line}\n`) })
  return count('failed') === 0 && isSettled ? 0 : 1
}
