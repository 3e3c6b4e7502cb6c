import { delimiter, join } from 'node:path'
import { compile, type CompiledName, type Language } from './compiled.js'
import { CACHE, exists, install, INSTALL_LIMIT_MS, run } from './installation.js'
import { Missing } from './outcome.js'
import { findPython, type Environment } from './python.js'

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

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Programs that are not dependencies: fetched once, in pinned versions, into a folder that git ignores. */
export interface Programs {
  /** Path of a program from npm. Throws Missing, with npm's message, when it cannot be fetched. */
  find (name: PackageName): Promise<string>
  /** Path of a Python that has the packages. Throws Missing without Python or venv, or when pip fails. */
  python (environment: Environment): Promise<string>
  /** Path of a program of our own. Throws Missing without its compiler. */
  compiled (name: CompiledName): Promise<string>
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
    python: (environment) => once(`python ${environment}`, () => findPython(environment, signal)),
    compiled: async (name) => {
      const [language] = name.split('-') as [Language]
      return join(await once(language, () => compile(language, signal)), name)
    },
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

async function findChromium (): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of BROWSERS) {
      if (await exists(join(folder, name))) return join(folder, name)
    }
  }
  throw new Missing('Chromium not found; apt-get install chromium')
}
