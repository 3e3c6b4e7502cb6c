/**
 * Runs the walk-through of docs/keycloak.md: its own blocks, one after the other, in an empty folder, and
 * compares what they print with what the page says. Exits with 1 when anything differs.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closeAfter, type Closing } from '../helpers/closing.js'
import { startProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { findKeycloakArchive } from '../interop/authorization-servers/keycloak-program.js'
import { findMissing, readSteps, type Step } from './page.js'

const PAGE = join(ROOT, 'docs/keycloak.md')
const BROWSER = fileURLToPath(new URL('browser.js', import.meta.url))
/** For all of it; on a quiet machine it takes two minutes. */
const LIMIT_MS = 480_000

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  await closeAfter(main)
} catch (error) {
  process.stderr.write(`walk-through: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main (closing: Closing): Promise<void> {
  const steps = readSteps(await readFile(PAGE, 'utf8'))
  if (steps.length === 0) throw new Error('the page has no commands')
  const folder = await mkdtemp(join(tmpdir(), 'postern-walk-through-'))
  closing.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const started = performance.now()
  const program = startProgram(closing, 'bash', ['-e', await writeScript(folder, steps)], {
    cwd: folder,
    env: { ...process.env as Record<string, string>, POSTERN: ROOT, BROWSER: await writeBrowser(folder) }
  })
  const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)])
  limit.addEventListener('abort', () => program.signalGroup('SIGKILL'))

  let read = 0
  for (const [index, { title, expected }] of steps.entries()) {
    const mark = markEnd(index)
    await program.printed(new RegExp(mark)).catch(() => {
      throw new Error(`"${title}" fails:\n${program.stdout.slice(read)}`)
    })
    const output = program.stdout.slice(read, program.stdout.indexOf(mark))
    read += output.length + mark.length
    const missing = findMissing(output, expected)
    if (missing !== undefined) throw new Error(`"${title}" does not print: ${missing}\n${output}`)
    process.stdout.write(`ok  ${Math.round((performance.now() - started) / 1000)} s  ${title}\n`)
  }
  process.stdout.write(`walk-through: all ${steps.length} steps do what docs/keycloak.md says\n`)
}

/** Writes all commands of the page; returns the path. The archive is there already, so it is not fetched. */
async function writeScript (folder: string, steps: readonly Step[]): Promise<string> {
  const work = join(folder, 'walk-through')
  await mkdir(work)
  await symlink(await findKeycloakArchive(stop.signal), join(work, 'keycloak.zip'))
  const file = join(folder, 'commands.sh')
  const blocks = steps.map(({ commands }, index) => `${commands}printf '%s' '${markEnd(index)}'\n`)
  await writeFile(file, `exec 2>&1\n${blocks.join('')}`)
  return file
}

function markEnd (index: number): string {
  return `--- end of block ${index + 1} ---`
}

/** Writes what the client opens where a person has a browser; returns the path. */
async function writeBrowser (folder: string): Promise<string> {
  const file = join(folder, 'browser')
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${BROWSER}' "$1"\n`, { mode: 0o755 })
  return file
}
