import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/root.js'
import { Missing } from './outcome.js'

/** What is fetched from npm, under the names by which the rest asks for it; the path of the program inside the package. */
export const PACKAGES = {
  'server-everything': { name: '@modelcontextprotocol/server-everything', version: '2026.8.31', program: 'dist/index.js' },
  'server-filesystem': { name: '@modelcontextprotocol/server-filesystem', version: '2026.8.31', program: 'dist/index.js' },
  'server-memory': { name: '@modelcontextprotocol/server-memory', version: '2026.8.31', program: 'dist/index.js' },
  supergateway: { name: 'supergateway', version: '4.0.0', program: 'dist/index.js' },
  'mcp-proxy': { name: 'mcp-proxy', version: '6.7.19', program: 'dist/bin/mcp-proxy.mjs' },
  'playwright-mcp': { name: '@playwright/mcp', version: '0.0.83', program: 'cli.js' },
  'mcp-remote': { name: 'mcp-remote', version: '0.15.1', program: 'dist/proxy.js' },
  inspector: { name: '@modelcontextprotocol/inspector', version: '2.12.0', program: 'clients/launcher/build/index.js' },
  // The Inspector needs Node 22.19 or later, this project only 20.19.
  node: { name: 'node', version: '24.21.0', program: 'bin/node' },
  'playwright-core': { name: 'playwright-core', version: '1.65.1', program: 'index.mjs' }
} as const

export type PackageName = keyof typeof PACKAGES

/** The release from PyPI that is installed. */
export const PYTHON_FASTMCP = '4.1.0'
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const CACHE = join(ROOT, '.cache/interop/programs')
/** For one installation, which takes seconds. */
const INSTALL_LIMIT_MS = 180_000
const run = promisify(execFile)

/** Programs that are no dependencies: fetched once, in pinned versions, into a folder that is not part of the repository. */
export interface Programs {
  /** Path of the program of a package from npm. Throws Missing, with npm's own words, when it cannot be had. */
  find (name: PackageName): Promise<string>
  /** Path of a Python that has FastMCP. Throws Missing without Python, venv or pip's success. */
  python (): Promise<string>
  /** Path of a Chromium. Throws Missing when the system has none. */
  chromium (): Promise<string>
}

/** Returns the programs; each is looked for when it is first asked for, and never again after a failure. */
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
    // Node itself comes by a script of its package; nothing else needs one.
    const scripts = key === 'node' ? [] : ['--ignore-scripts']
    await run('npm', ['install', '--prefix', fresh, '--no-audit', '--no-fund', '--loglevel', 'error', ...scripts, `${name}@${version}`], { signal, timeout: INSTALL_LIMIT_MS })
  })
  return join(folder, 'node_modules', name, program)
}

async function findPython (signal: AbortSignal): Promise<string> {
  const { stdout } = await run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).catch(() => { throw new Missing('Python not found') })
  const folder = join(CACHE, `fastmcp@${PYTHON_FASTMCP}-python${stdout.trim()}`)
  await install(folder, `pip cannot install fastmcp ${PYTHON_FASTMCP}`, async (fresh) => {
    await run('python3', ['-m', 'venv', fresh], { signal, timeout: INSTALL_LIMIT_MS })
    await run(join(fresh, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `fastmcp==${PYTHON_FASTMCP}`], { signal, timeout: INSTALL_LIMIT_MS })
  })
  return join(folder, 'bin/python')
}

/** Fills the folder unless a run before has; it appears only when it is complete. */
async function install (folder: string, problem: string, fill: (fresh: string) => Promise<void>): Promise<void> {
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

async function exists (path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
