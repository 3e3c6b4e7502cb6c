/**
 * Lets every client do the same task at every upstream through Postern, lets graders examine it, and compares
 * docs/interop.md with the outcome. Exits with 1 when a cell or a grade fails, or the page differs from the
 * outcome. `--write` writes the page instead of comparing it. `--only <word>` keeps the upstreams whose title
 * has the word, or the graders alone; `--client <word>` keeps the clients whose title has the word.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { settlePage } from '../helpers/generated-page.js'
import { ROOT } from '../helpers/root.js'
import { listAuthorizationServers } from './authorization-servers/list.js'
import { listClients } from './clients.js'
import { formatDocument, formatTable, type Outcomes } from './document.js'
import { gradeAll } from './graders/graders.js'
import { tryAll } from './matrix.js'
import { openPrograms } from './programs.js'
import { listBehind, listUpstreams } from './upstreams.js'
import { describeMachine, listVersions } from './versions.js'

const DOCUMENT = join(ROOT, 'docs/interop.md')

const { values: { write, only, client } } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    client: { type: 'string', default: '' }
  }
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
  // The compilers take both cores, and would make clients late.
  for (const name of ['go-client', 'rust-client'] as const) await programs.compiled(name).catch(() => {})
  const clients = listClients().filter(({ title }) => title.includes(client))
  const upstreams = listUpstreams().filter(({ title }) => title.includes(only))
  // They come first, because Keycloak takes long to start.
  const behind = listBehind(listAuthorizationServers()).filter(({ title }) => title.includes(only))
  const rows = await tryAll({
    upstreams: [...behind, ...upstreams], clients, programs, signal: stop.signal, report: print
  })
  const [authorizationServers, servers] = [rows.slice(0, behind.length), rows.slice(behind.length)]
  print(`\n${formatTable(authorizationServers)}\n\n${formatTable(servers)}\n\n${await describeMachine(programs)}`)
  // Graders look at everything: they are not narrowed down with the clients.
  const isGraded = client === '' && 'graders'.includes(only)
  const grades = isGraded ? await gradeAll(programs, stop.signal, print) : []
  const kinds = [...rows.flatMap(({ cells }) => cells), ...grades].map(({ outcome }) => outcome.kind)
  const count = (...wanted: readonly string[]): number => kinds.filter((kind) => wanted.includes(kind)).length
  const isSettled = await settleDocument({ upstreams: servers, authorizationServers, grades }, count('missing') > 0)
  print(`interop: ${count('ok')} ok, ${count('impossible', 'missing')} cannot run, ${count('failed')} FAILED`)
  return count('failed') === 0 && isSettled ? 0 : 1
}

/** Returns whether the page agrees with the outcome. It is not compared when some cells were not tried. */
async function settleDocument (outcomes: Outcomes, isMissing: boolean): Promise<boolean> {
  if (isMissing || only !== '' || client !== '') {
    print(`docs/interop.md is not ${write ? 'written' : 'compared'}: not every cell was tried`)
    return !write
  }
  return settlePage({
    page: DOCUMENT,
    text: formatDocument(outcomes, await listVersions()),
    write,
    remedy: 'npm run interop -- --write'
  })
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
