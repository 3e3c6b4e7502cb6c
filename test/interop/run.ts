import { join } from 'node:path'
/**
 * Lets every client do the same task at every upstream through Postern, and compares docs/interop.md with
 * the outcome. Exits with 1 when a cell fails or the page differs from the outcome. `--write` writes the page
 * instead of comparing it; `--only <word>` keeps the upstreams whose title has the word.
 */
import { parseArgs } from 'node:util'
import { settlePage } from '../helpers/generated-page.js'
import { ROOT } from '../helpers/root.js'
import { listClients } from './clients.js'
import { formatDocument, formatTable } from './document.js'
import { tryAll } from './matrix.js'
import type { Row } from './outcome.js'
import { openPrograms } from './programs.js'
import { listUpstreams } from './upstreams.js'
import { describeMachine, listVersions } from './versions.js'

const DOCUMENT = join(ROOT, 'docs/interop.md')

const { values: { write, only } } = parseArgs({
  options: { write: { type: 'boolean', default: false }, only: { type: 'string', default: '' } }
})
// Every started program has a listener, so that none outlives this process.
process.setMaxListeners(50)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
}
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`interop: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main (): Promise<number> {
  const programs = openPrograms(stop.signal)
  const upstreams = listUpstreams().filter(({ title }) => title.includes(only))
  const rows = await tryAll({
    upstreams, clients: listClients(), programs, signal: stop.signal, report: print
  })
  print(`\n${formatTable(rows)}\n\n${await describeMachine(programs)}`)
  const kinds = rows.flatMap(({ cells }) => cells.map(({ outcome }) => outcome.kind))
  const count = (...wanted: readonly string[]): number => kinds.filter((kind) => wanted.includes(kind)).length
  const isSettled = await settleDocument(rows, count('missing') > 0)
  print(`interop: ${count('ok')} ok, ${count('impossible', 'missing')} cannot run, ${count('failed')} FAILED`)
  return count('failed') === 0 && isSettled ? 0 : 1
}

/** Returns whether the page agrees with the outcome. It is not compared when some cells were not tried. */
async function settleDocument (rows: readonly Row[], isMissing: boolean): Promise<boolean> {
  if (isMissing || only !== '') {
    print(`docs/interop.md is not ${write ? 'written' : 'compared'}: not every cell was tried`)
    return !write
  }
  return settlePage({
    page: DOCUMENT,
    text: formatDocument(rows, await listVersions()),
    write,
    remedy: 'npm run interop -- --write'
  })
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
