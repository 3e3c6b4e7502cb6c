import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../helpers/root.js'
import { fingerprint } from './fingerprint.js'
import { CACHE, install, INSTALL_LIMIT_MS, run } from './installation.js'
import { Missing } from './outcome.js'

/** Environments, each with what `requirements/<name>.txt` lists: the exact versions of everything. */
export type Environment = 'fastmcp' | 'mcp-1' | 'mcp-authlab' | 'mcp-authscan' | 'testmcpy-oauth-probe'

/** Returns the path of a Python that has the packages. Throws Missing without Python, or when pip fails. */
export async function findPython (environment: Environment, signal: AbortSignal): Promise<string> {
  const file = fileOf(environment)
  const problem = `pip cannot install ${environment}`
  const name = `${environment}@${await fingerprint([file])}`
  return join(await createEnvironment(name, problem, ['--requirement', file], signal), 'bin/python')
}

/** Installs packages from PyPI into a folder of their own, unless an earlier run has; returns the folder. */
export async function createEnvironment (
  name: string, problem: string, packages: readonly string[], signal: AbortSignal
): Promise<string> {
  const options = { signal, timeout: INSTALL_LIMIT_MS }
  const folder = join(CACHE, `${name}-python${await readPythonVersion()}`)
  await install(folder, problem, async (fresh) => {
    await run('python3', ['-m', 'venv', fresh], options)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(fresh, 'bin/python'), [...pip, ...packages], options)
  })
  return folder
}

async function readPythonVersion (): Promise<string> {
  const printVersion = 'import sys; print("%d.%d" % sys.version_info[:2])'
  const { stdout } = await run('python3', ['-c', printVersion])
    .catch(() => { throw new Missing('Python not found') })
  return stdout.trim()
}

/** Returns the version of a package in an environment. */
export async function readRequiredVersion (environment: Environment, name: string): Promise<string> {
  const lines = (await readFile(fileOf(environment), 'utf8')).split('\n')
  const line = lines.find((line) => line.startsWith(`${name}==`))
  if (line === undefined) throw new Error(`${fileOf(environment)} does not name ${name}`)
  return line.slice(`${name}==`.length)
}

function fileOf (environment: Environment): string {
  return join(ROOT, 'test/interop/requirements', `${environment}.txt`)
}
