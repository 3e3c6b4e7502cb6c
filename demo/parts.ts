import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DemoFailure } from './failure.js'
import { installLocked } from './npm-install.js'
import { stopWithNpm } from './npm-parent.js'

export interface PrepareOptions {
  /** Gets one line at a time. */
  readonly print: (line: string) => void
  /** Ends a download. */
  readonly signal: AbortSignal
}

/** The folder `demo`: this file is in its folder `dist`. */
const DEMO = fileURLToPath(new URL('../', import.meta.url))
const SHIPPED = ['package.json', 'package-lock.json', 'dist']

/**
 * Returns the URL of the module that runs the demo, with the packages that it needs beside it. In a clone
 * that is this folder. The published package comes without them: the first demo copies itself into the
 * user's cache and lets npm install there what the demo's lock file names; later ones find it. Throws
 * DemoFailure.
 */
export async function prepareDemo ({ print, signal }: PrepareOptions): Promise<URL> {
  stopWithNpm()
  const isClone = existsSync(join(DEMO, 'tsconfig.json'))
  const folder = isClone ? DEMO : await findCached(print, signal)
  return pathToFileURL(join(folder, 'dist/main.js'))
}

async function findCached (print: (line: string) => void, signal: AbortSignal): Promise<string> {
  const cache = join(cacheHome(), 'postern')
  await mkdir(cache, { recursive: true, mode: 0o700 })
  await refuseForeign(cache)
  // With a digest, because code of the same version may differ, in a checkout that is packed for example.
  const folder = join(cache, `demo-${await readVersion()}-${await digestOfShipped()}`)
  if (existsSync(folder)) return folder
  print('The demo needs an authorization server and an MCP server, which are not part of Postern.')
  print(`Installing their ${await countPackages()} packages with npm, about 25 MB, once, into ${folder}`)
  await installInto(folder, cache, signal)
  return folder
}

/** XDG Base Directory Specification: a path that is not absolute counts as none. */
function cacheHome (): string {
  const { XDG_CACHE_HOME = '' } = process.env
  return isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache')
}

/** What is in the cache runs as this user: nobody else may put it there. */
async function refuseForeign (folder: string): Promise<void> {
  const { uid, mode } = await stat(folder)
  const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
  if (isOwn) return
  throw new DemoFailure(`other users may write to ${folder}, from where the demo would run: ` +
    'name another folder in XDG_CACHE_HOME')
}

const UNFINISHED = 'unfinished-'

/** A half download is never found: the folder gets its name when it is complete. */
async function installInto (folder: string, cache: string, signal: AbortSignal): Promise<void> {
  await removeLeftovers(cache)
  const unfinished = await mkdtemp(join(cache, UNFINISHED))
  try {
    for (const name of SHIPPED) await cp(join(DEMO, name), join(unfinished, name), { recursive: true })
    await installLocked(unfinished, signal)
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error // else another demo was faster
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

const DAY_MS = 24 * 3600 * 1000

/** Of demos that were killed while they installed; another may be installing at this moment. */
async function removeLeftovers (cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const isOld = Date.now() - (await stat(path)).mtimeMs > DAY_MS
    if (name.startsWith(UNFINISHED) && isOld) await rm(path, { recursive: true, force: true })
  }
}

async function countPackages (): Promise<number> {
  const { packages } = await readJson<{ packages: object }>('package-lock.json')
  return Object.keys(packages).length - 1 // one is the demo itself
}

async function readVersion (): Promise<string> {
  return (await readJson<{ version: string }>('../package.json')).version
}

async function readJson<Value> (path: string): Promise<Value> {
  return JSON.parse(await readFile(join(DEMO, path), 'utf8')) as Value
}

async function digestOfShipped (): Promise<string> {
  const hash = createHash('sha256')
  const modules = await readdir(join(DEMO, 'dist'), { recursive: true })
  const code = modules.filter((name) => name.endsWith('.js')).sort().map((name) => join('dist', name))
  const files = ['package.json', 'package-lock.json', ...code]
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(DEMO, file)))
  return hash.digest('hex').slice(0, 12)
}
