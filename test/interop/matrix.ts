import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeAfter, type Closing } from '../helpers/closing.js'
import { ROOT } from '../helpers/root.js'
import { Missing, type Cell, type Outcome, type Row } from './outcome.js'
import type { Programs } from './programs.js'
import { probeEras, type Era } from './revisions.js'
import { startStack, type Stack } from './stack.js'
import type { Upstream } from './upstreams.js'
import {
  decideImpossible, decideUnknown, findProblems, hasAllScopes, REFUSAL_AFTER_ALL, type Client
} from './visit.js'

/** The time limit for one client at one upstream, which takes seconds. */
const CELL_LIMIT_MS = 120_000
/** Upstreams that are tried at the same time. */
const AT_ONCE = 2
const AUDIT_LIMIT_MS = 2_000
const ALL_AT_ONCE = 'It gets every scope at its first login, so it needs no step-up.'
const PICTURES = join(ROOT, '.cache/interop/pictures')

export interface Matrix {
  readonly upstreams: readonly Upstream[]
  readonly clients: readonly Client[]
  readonly programs: Programs
  /** Ends the run: all started programs are stopped. */
  readonly signal: AbortSignal
  /** Gets a line for each cell. */
  readonly report: (line: string) => void
}

/** Tries every client at every upstream, in the order of the upstreams. Throws only when it is stopped. */
export async function tryAll (matrix: Matrix): Promise<readonly Row[]> {
  await rm(PICTURES, { recursive: true, force: true })
  await mkdir(PICTURES, { recursive: true })
  const rows: Array<Promise<Row>> = []
  const waiting = matrix.upstreams.values()
  const work = async (): Promise<void> => {
    for (const upstream of waiting) {
      const row = closeAfter((closing) => tryUpstream(closing, matrix, upstream))
      rows.push(row)
      await row
    }
  }
  // Wait for all of them: each closes what it has opened, even when the run is stopped.
  await Promise.allSettled(Array.from({ length: AT_ONCE }, work))
  return Promise.all(rows)
}

async function tryUpstream (closing: Closing, matrix: Matrix, upstream: Upstream): Promise<Row> {
  const { programs } = matrix
  const clients = clientsOf(matrix, upstream)
  try {
    const folder = await makeFolder(closing)
    const url = await upstream.start(closing, { programs, folder })
    const eras = await probeEras(url, upstream.transport)
    const { transport, task, authorizationServer } = upstream
    const stack = await startStack(closing, {
      upstream: url,
      transport,
      task,
      folder: await makeFolder(closing),
      authorizationServer,
      names: clients.map(({ title }) => nameOf(title)),
      signal: matrix.signal
    })
    const cells: Cell[] = []
    for (const client of clients) {
      matrix.signal.throwIfAborted()
      const pair = { upstream, client, stack, era: chooseEra(client, eras) }
      const outcome = decideImpossible(transport, eras, client) ??
        decideUnknown(authorizationServer, client) ?? await tryCell(matrix, pair)
      cells.push(report(matrix, upstream, { client: client.title, outcome }))
    }
    const speaks = authorizationServer?.registration ?? describeEras(upstream, eras)
    return { upstream: upstream.title, speaks, cells }
  } catch (error) {
    matrix.signal.throwIfAborted()
    const outcome = outcomeOf(error)
    const cells = clients.map(({ title }) => report(matrix, upstream, { client: title, outcome }))
    return { upstream: upstream.title, speaks: undefined, cells }
  }
}

function clientsOf ({ clients }: Matrix, { authorizationServer }: Upstream): readonly Client[] {
  if (authorizationServer === undefined) return clients
  return clients.filter(({ signsInElsewhere = false }) => signsInElsewhere)
}

function report ({ report }: Matrix, { title }: Upstream, cell: Cell): Cell {
  const { outcome } = cell
  const detail = outcome.kind === 'ok' ? '' : `: ${outcome.kind === 'failed' ? outcome.what : outcome.reason}`
  report(
    `${outcome.kind === 'failed' ? 'FAILED' : outcome.kind.padEnd(6)}  ${title} × ${cell.client}${detail}`
  )
  return cell
}

function describeEras ({ transport }: Upstream, eras: readonly Era[]): string {
  return transport === 'sse' ? '2024-11-05' : eras.join(', ')
}

function chooseEra ({ era }: Client, eras: readonly Era[]): Era {
  if (era !== 'any') return era
  return eras.includes('modern') ? 'modern' : 'legacy'
}

interface Pair {
  readonly upstream: Upstream
  readonly client: Client
  readonly stack: Stack
  readonly era: Era
}

async function tryCell (matrix: Matrix, pair: Pair): Promise<Outcome> {
  const outcome = closeAfter((closing) => {
    return Promise.race([visit(closing, matrix, pair), stopping(closing, matrix.signal)])
  })
  return outcome.catch(outcomeOf)
}

async function visit (
  closing: Closing, { programs }: Matrix, { upstream, client, stack, era }: Pair
): Promise<Outcome> {
  const { transport, task, title } = upstream
  // Each client has its own subject, so that Postern's log tells them apart.
  const subject = nameOf(client.title)
  const picture = join(PICTURES, `${nameOf(title)}.png`)
  const folder = await makeFolder(closing)
  const seen = await client.visit(closing, {
    stack, transport, era, task, subject, programs, folder, picture
  })
  const { authorizationServer } = upstream
  const hadAllScopes = hasAllScopes(authorizationServer, client)
  const expectations = {
    hadAllScopes, ...authorizationServer?.withoutStepUp === undefined ? {} : { refusal: REFUSAL_AFTER_ALL }
  }
  const problems = await waitForNone(() => findProblems(seen, task, stack.trace(subject), expectations))
  if (problems.length > 0) return { kind: 'failed', what: problems.join('; ') }
  const note = hadAllScopes ? ALL_AT_ONCE : authorizationServer?.withoutStepUp
  return { kind: 'ok', steppedUp: seen.privileged.kind === 'answered', note }
}

function nameOf (title: string): string {
  return title.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-|-$/g, '')
}

/** Postern writes an audit event at the end of a response, a little after the client has it. */
async function waitForNone (find: () => readonly string[]): Promise<readonly string[]> {
  const limit = performance.now() + AUDIT_LIMIT_MS
  for (;;) {
    const problems = find()
    if (problems.length === 0 || performance.now() > limit) return problems
    await sleep(20)
  }
}

/** Rejects when the cell takes too long or the run is stopped. */
function stopping (closing: Closing, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const limit = setTimeout(
      () => reject(new Error(`not done after ${CELL_LIMIT_MS / 1000} seconds`)), CELL_LIMIT_MS
    )
    const stop = (): void => reject(new Error(String(signal.reason)))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    closing.after(() => {
      clearTimeout(limit)
      signal.removeEventListener('abort', stop)
    })
  })
}

function outcomeOf (error: unknown): Outcome {
  if (error instanceof Missing) return { kind: 'missing', reason: error.message }
  return { kind: 'failed', what: error instanceof Error ? error.message : String(error) }
}

async function makeFolder (closing: Closing): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-interop-'))
  closing.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
