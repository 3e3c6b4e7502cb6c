import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { Check, Report } from './report.js'

/** The release of the official suite. */
export const SUITE_VERSION = '0.2.0-alpha.12'
/** The suite needs Node 22 or later; this project needs only 20. */
const SUITE_NODE = 'node@24'
const PACKAGES = ['-p', SUITE_NODE, '-p', `@modelcontextprotocol/conformance@${SUITE_VERSION}`]
/** The time limit for all scenarios of a revision, which take seconds. */
const RUN_LIMIT_MS = 120_000

/** The suite as npx has installed it: two absolute paths. */
export interface Suite {
  readonly node: string
  readonly program: string
}

export interface SuiteRun {
  /** The MCP endpoint. */
  readonly url: string
  readonly revision: string
  /** Where the suite may leave its results. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** Lets npx download the suite, unless it has it already. Throws with npx's message when that fails. */
export async function installSuite (signal: AbortSignal): Promise<Suite> {
  const find = 'command -v node; command -v conformance'
  const { stdout } = await promisify(execFile)('npx', ['-y', ...PACKAGES, '-c', find], { signal })
  const [node, program] = stdout.trim().split('\n')
  if (node === undefined || program === undefined) {
    throw new Error(`npx did not say where the suite is: ${stdout}`)
  }
  return { node, program }
}

/**
 * Runs every scenario that a revision requires or names, in the suite's order. Throws when the suite
 * breaks off.
 */
export async function runSuite (
  { node, program }: Suite, { url, revision, folder, signal }: SuiteRun
): Promise<Report> {
  const results = await mkdtemp(join(folder, 'results-'))
  const suite = spawn(node, [program, 'server', '--url', url, '--requirements', revision, '-o', results], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(RUN_LIMIT_MS)])
  })
  const [output] = await Promise.all([text(suite.stdout), once(suite, 'close')])
  if (!output.includes('=== SUMMARY ===')) {
    throw new Error(`the suite broke off at ${revision} against ${url}:\n${output}`)
  }
  return readReport(output, results, new URL(url).origin)
}

async function readReport (output: string, folder: string, origin: string): Promise<Report> {
  const reasons = output.matchAll(/^ {2}[✓✗] (\S+) \((.+)\)$/gm)
  const notScored = new Map(Array.from(reasons, ([, scenario, reason]) => [scenario, reason]))
  const folders = await readdir(folder)
  const begun = output.matchAll(/^=== Running scenario: (\S+) ===$/gm)
  const scenarios = Array.from(begun, ([, scenario]) => scenario as string)
  return Promise.all(scenarios.map(async (scenario) => ({
    scenario,
    notScored: notScored.get(scenario),
    checks: await readChecks(folders.find((name) => isFolderOf(name, scenario)), folder, origin)
  })))
}

/** A folder is named after the scenario and the time, to the millisecond. */
function isFolderOf (name: string, scenario: string): boolean {
  return name.startsWith(`server-${scenario}-`) && /^[\dTZ-]+$/.test(name.slice(`server-${scenario}-`.length))
}

interface SuiteCheck {
  readonly id: string
  readonly name: string
  readonly status: Check['status'] | 'INFO'
  readonly errorMessage?: string
}

async function readChecks (name: string | undefined, folder: string, origin: string): Promise<Check[]> {
  // A scenario that the suite could not run to its end leaves no folder.
  if (name === undefined) return [{ name: 'the scenario', status: 'FAILURE', message: 'broke off' }]
  const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as SuiteCheck[]
  return checks.flatMap(({ id, name, status, errorMessage = '' }) => {
    if (status === 'INFO') return []
    return [{ name: `${id} (${name})`, status, message: errorMessage.replaceAll(origin, '') }]
  })
}
