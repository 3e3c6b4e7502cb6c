import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/root.js'
import { Missing } from './outcome.js'

export const CACHE = join(ROOT, '.cache/interop/programs')
/** The time limit for one installation, which takes seconds. */
export const INSTALL_LIMIT_MS = 180_000

/** Runs a program to its end and returns what it printed; throws when its exit code is not 0. */
export const run = promisify(execFile)

/** Fills the folder unless an earlier run has. Throws Missing, with the problem and what the program says. */
export function install (
  folder: string, problem: string, fill: (fresh: string) => Promise<void>
): Promise<void> {
  return fillOnce(folder, (fresh) => orMissing(problem, fill(fresh)))
}

/** Fills the folder unless an earlier run has; the folder appears only when it is complete. */
export async function fillOnce (folder: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  if (await exists(folder)) return
  await mkdir(CACHE, { recursive: true })
  const fresh = await mkdtemp(join(CACHE, 'fresh-'))
  try {
    await fill(fresh)
    await rename(fresh, folder)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** Returns the result of the work. Throws Missing when it fails: this machine cannot do it. */
export function orMissing<Result> (problem: string, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    const lines = ((error as { stderr?: string }).stderr ?? '').trim().split('\n')
    const said = lines.find((line) => /^npm error code|^ERROR: No matching/.test(line)) ?? lines.at(-1)
    throw new Missing(`${problem}: ${said === undefined || said === '' ? String(error) : said}`)
  })
}

export async function exists (path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
