import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/root.js'
import { DEX } from './authorization-servers/dex-program.js'
import { KEYCLOAK } from './authorization-servers/keycloak-program.js'
import { GRADERS } from './graders/graders.js'
import { PACKAGES, type Programs } from './programs.js'
import { readRequiredVersion, type Environment } from './python.js'

/** Dependencies of this project: package-lock.json decides which release is tried. */
const DEPENDENCIES = ['@modelcontextprotocol/client', '@modelcontextprotocol/sdk', 'fastmcp']
/** What the environments of Python are there for. */
const REQUIRED: ReadonlyArray<readonly [environment: Environment, name: string]> = [
  ['fastmcp', 'fastmcp'], ['fastmcp', 'mcp'], ['mcp-1', 'mcp'],
  ...GRADERS.map(({ name }) => [name, name] as const)
]
const GO_SDK = 'github.com/modelcontextprotocol/go-sdk'
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
    ...await Promise.all(REQUIRED.map(
      async ([environment, name]) => ['PyPI', name, await readRequiredVersion(environment, name)] as const
    )),
    ['Go', GO_SDK, await readLockedVersion('go.mod', new RegExp(`${GO_SDK} v(\\S+)`))],
    ['Go', 'github.com/dexidp/dex', DEX],
    ['crates.io', 'rmcp', await readLockedVersion('Cargo.lock', /name = "rmcp"\nversion = "(.+)"/)],
    ['Maven Central', 'org.keycloak:keycloak-quarkus-dist', KEYCLOAK]
  ]
}

async function readLockedVersion (file: string, pattern: RegExp): Promise<string> {
  const text = await readFile(join(ROOT, 'test/interop', file), 'utf8')
  const [, version] = pattern.exec(text) ?? []
  if (version === undefined) throw new Error(`${file} does not match ${pattern}`)
  return version
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
  const own = [await ask(() => programs.python('fastmcp')), await ask(() => programs.chromium())]
  return [`Node ${process.version}`, ...own].join(', ')
}
