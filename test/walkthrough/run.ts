/**
 * Runs the walk-throughs in docs: their own blocks, one after the other, in an empty folder, and compares
 * what they print with what the pages say. Exits with 1 when anything differs. `--only <word>` keeps the
 * pages whose path has the word.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closeAfter, type Closing } from '../helpers/closing.js'
import { startProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { findMissing, readSteps, type Step } from './page.js'
import { PAGES, type Page } from './pages.js'

const BROWSER = fileURLToPath(new URL('browser.js', import.meta.url))
/** For one page; on a quiet machine the longest takes two minutes. */
const LIMIT_MS = 480_000

const { values: { only } } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  await main()
} catch (error) {
  process.stderr.write(`walk-through: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main (): Promise<void> {
  const pages = PAGES.filter(({ path }) => path.includes(only))
  if (pages.length === 0) throw new Error(`the path of no page has the word ${only}`)
  for (const page of pages) await closeAfter((closing) => walk(closing, page))
}

/** Does what a page says. */
async function walk (closing: Closing, page: Page): Promise<void> {
  const steps = readSteps(await readFile(join(ROOT, page.path), 'utf8'))
  if (steps.length === 0) throw new Error(`${page.path} has no commands`)
  const folder = await mkdtemp(join(tmpdir(), 'postern-walk-through-'))
  closing.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await putInPlace(page, join(folder, 'walk-through'))
  const started = performance.now()
  const fail = (what: string): never => { throw new Error(`${page.path}, ${what}`) }
  const program = startProgram(closing, 'bash', ['-e', await writeScript(folder, steps)], {
    cwd: folder,
    env: {
      ...process.env as Record<string, string>, POSTERN: ROOT, BROWSER: await writeBrowser(folder, page)
    }
  })
  const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)])
  limit.addEventListener('abort', () => program.signalGroup('SIGKILL'))

  let read = 0
  for (const [index, { title, expected }] of steps.entries()) {
    const mark = markEnd(index)
    await program.printed(new RegExp(mark))
      .catch(() => fail(`"${title}" fails:\n${program.stdout.slice(read)}`))
    const output = program.stdout.slice(read, program.stdout.indexOf(mark))
    read += output.length + mark.length
    const missing = findMissing(output, expected)
    if (missing !== undefined) fail(`"${title}" does not print: ${missing}\n${output}`)
    process.stdout.write(`ok  ${Math.round((performance.now() - started) / 1000)} s  ${title}\n`)
  }
  process.stdout.write(`walk-through: all ${steps.length} steps do what ${page.path} says\n`)
}

/** Makes the folder of the walk-through, with the program in it, so that the page does not fetch it. */
async function putInPlace ({ program }: Page, folder: string): Promise<void> {
  await mkdir(folder)
  await symlink(await program.find(stop.signal), join(folder, program.name))
}

/** Writes all commands of the page; returns the path. */
async function writeScript (folder: string, steps: readonly Step[]): Promise<string> {
  const file = join(folder, 'commands.sh')
  const blocks = steps.map(({ commands }, index) => `${commands}printf '%s' '${markEnd(index)}'\n`)
  await writeFile(file, `exec 2>&1\n${blocks.join('')}`)
  return file
}

function markEnd (index: number): string {
  return `--- end of block ${index + 1} ---`
}

/** Writes what the client opens where a person has a browser; returns the path. */
async function writeBrowser (folder: string, { person }: Page): Promise<string> {
  const file = join(folder, 'browser')
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${BROWSER}' "$1" '${person}'\n`, { mode: 0o755 })
  return file
}
