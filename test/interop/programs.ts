import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/root.js'
import { Missing } from './outcome.js'

/** The packages from npm, by the names that other files use; `program` is a path inside the package. */
export const PACKAGES = {
  'server-everything': {
    name: '@modelcontextprotocol/server-everything', version: '2026.8.31', program: 'dist/index.js'
  },
  'server-filesystem': {
    name: '@modelcontextprotocol/server-filesystem', version: '2026.8.31', program: 'dist/index.js'
  },
  'server-memory': {
    name: '@modelcontextprotocol/server-memory', version: '2026.8.31', program: 'dist/index.js'
  },
  supergateway: { name: 'supergateway', version: '4.0.0', program: 'dist/index.js' },
  'mcp-proxy': { name: 'mcp-proxy', version: '6.7.19', program: 'dist/bin/mcp-proxy.mjs' },
  'playwright-mcp': { name: '@playwright/mcp', version: '0.0.83', program: 'cli.js' },
  'mcp-remote': { name: 'mcp-remote', version: '0.15.1', program: 'dist/proxy.js' },
  inspector: {
    name: '@modelcontextprotocol/inspector', version: '2.12.0', program: 'clients/launcher/build/index.js'
  },
  // The Inspector needs Node 22.19 or later; this project needs only 20.19.
  node: { name: 'node', version: '24.21.0', program: 'bin/node' },
  'playwright-core': { name: 'playwright-core', version: '1.65.1', program: 'index.mjs' }
} as const

export type PackageName = keyof typeof PACKAGES

/** The release from PyPI that is installed. */
export const PYTHON_FASTMCP = '4.1.0'
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const CACHE = join(ROOT, '.cache/interop/programs')
/** The time limit for one installation, which takes seconds. */
const INSTALL_LIMIT_MS = 180_000
const run = promisify(execFile)

/** Programs that are not dependencies: fetched once, in pinned versions, into a folder that git ignores. */
export interface Programs {
  /** Path of a program from npm. Throws Missing, with npm's message, when it cannot be fetched. */
  find (name: PackageName): Promise<string>
  /** Path of a Python that has FastMCP. Throws Missing without Python or venv, or when pip fails. */
  python (): Promise<string>
  /** Path of a Chromium. Throws Missing when the system has none. */
  chromium (): Promise<string>
}

/** Returns the programs. Each is looked for when it is first needed, and not again after a failure. */
export function openPrograms (signal: AbortSignal): Programs {
  const sought = new Map<string, Promise<string>>()
  const once = (name: string, seek: () => Promise<string>): Promise<string> => {
    const seeking = sought.get(name) ?? seek()
    sought.set(name, seeking)
    return seeking
  }
  return {
    find: (name) => once(name, () => findPackage(name, signal)),
    python: () => once('python', () => findPython(signal)),
    chromium: () => once('chromium', findChromium)
  }
}

async function findPackage (key: PackageName, signal: AbortSignal): Promise<string> {
  const { name, version, program } = PACKAGES[key]
  const folder = join(CACHE, `${name.replace('/', '+')}@${version}`)
  await install(folder, `npm cannot fetch ${name} ${version}`, async (fresh) => {
    // A script of its package fetches Node; no other package needs a script.
    const scripts = key === 'node' ? [] : ['--ignore-scripts']
    const options = ['--prefix', fresh, '--no-audit', '--no-fund', '--loglevel', 'error', ...scripts]
    await run('npm', ['install', ...options, `${name}@${version}`], { signal, timeout: INSTALL_LIMIT_MS })
  })
  return join(folder, 'node_modules', name, program)
}

async function findPython (signal: AbortSignal): Promise<string> {
  const printVersion = 'import sys; print("%d.%d" % sys.version_info[:2])'
  const { stdout } = await run('python3', ['-c', printVersion])
    .catch(() => { throw new Missing('Python not found') })
  const folder = join(CACHE, `fastmcp@${PYTHON_FASTMCP}-python${stdout.trim()}`)
  await install(folder, `pip cannot install fastmcp ${PYTHON_FASTMCP}`, async (fresh) => {
    await run('python3', ['-m', 'venv', fresh], { signal, timeout: INSTALL_LIMIT_MS })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const python = join(fresh, 'bin/python')
    await run(python, [...pip, `fastmcp==${PYTHON_FASTMCP}`], { signal, timeout: INSTALL_LIMIT_MS })
  })
  return join(folder, 'bin/python')
}

/** Fills the folder unless an earlier run has; the folder appears only when it is complete. */
export async function install (
  folder: string, problem: string, fill: (fresh: string) => Promise<void>
): Promise<void> {
  if (await exists(folder)) return
  await mkdir(CACHE, { recursive: true })
  const fresh = await mkdtemp(join(CACHE, 'fresh-'))
  try {
    await fill(fresh)
    await rename(fresh, folder)
  } catch (error) {
    const lines = ((error as { stderr?: string }).stderr ?? '').trim().split('\n')
    const said = lines.find((line) => /^npm error code|^ERROR: No matching/.test(line)) ?? lines.at(-1)
    throw new Missing(`${problem}: ${said === undefined || said === '' ? String(error) : said}`)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function findChromium (): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of BROWSERS) {
      if (await exists(join(folder, name))) return join(folder, name)
    }
  }
  throw new Missing('Chromium not found; apt-get install chromium')
}

export async function exists (path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
