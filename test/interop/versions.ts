import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/root.js'
import { PACKAGES, PYTHON_FASTMCP, type Programs } from './programs.js'

/** Dependencies of this project: package-lock.json decides which release is tried. */
const DEPENDENCIES = ['@modelcontextprotocol/client', '@modelcontextprotocol/sdk', 'fastmcp']
const run = promisify(execFile)

/** The registry of a program, its name there, and its release. */
export type Version = readonly [source: string, name: string, version: string]

/** Returns the releases that are tried, the same on every machine. */
export async function listVersions (): Promise<readonly Version[]> {
  return [
    ...await Promise.all(
      DEPENDENCIES.map(async (name) => ['npm', name, await readInstalledVersion(name)] as const)
    ),
    ...Object.values(PACKAGES).map(({ name, version }) => ['npm', name, version] as const),
    ['PyPI', 'fastmcp', PYTHON_FASTMCP]
  ]
}

async function readInstalledVersion (name: string): Promise<string> {
  const file = join(ROOT, 'node_modules', name, 'package.json')
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version
}

/** Returns the versions of the machine's own programs. */
export async function describeMachine (programs: Programs): Promise<string> {
  const ask = async (find: () => Promise<string>): Promise<string> => {
    try {
      return (await run(await find(), ['--version'])).stdout.trim()
    } catch (error) {
      return (error as Error).message
    }
  }
  const own = [await ask(() => programs.python()), await ask(() => programs.chromium())]
  return [`Node ${process.version}`, ...own].join(', ')
}
