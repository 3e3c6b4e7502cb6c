import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runPython, type Check, type Grader } from './grader.js'

interface Report {
  readonly checks: ReadonlyArray<{
    readonly name: string, readonly endpoint: string, readonly passed: boolean, readonly details: string
  }>
}

/** The exit code of a live scan that leaves probes out. */
const INCOMPLETE = 5

/** Looks from outside, without a token, at endpoints and at the authorization server. */
export const mcpAuthscan: Grader = {
  name: 'mcp-authscan',
  examines: ['demo'],
  async grade (closing, { examined: { resource }, programs, folder }) {
    const python = await programs.python('mcp-authscan')
    const env = { HOME: folder }
    const file = join(folder, 'report.json')
    const { origin } = new URL(resource)
    await runPython(closing, {
      python,
      env,
      args: [
        '-m', 'mcp_authscan.cli', 'scan', origin,
        '--checks', 'all', '--fail-on', 'none', '--format', 'json', '--output', file
      ]
    })
    const live = await runPython(closing, {
      python,
      env,
      args: ['-m', 'mcp_authscan.scan_main', resource, '--allow-private'],
      codes: [0, INCOMPLETE]
    })
    return [...readReport(await readFile(file, 'utf8')), ...readLive(live)]
  }
}

function readReport (text: string): readonly Check[] {
  return (JSON.parse(text) as Report).checks.map(({ name, endpoint, passed, details }) => {
    return { id: `${name} ${endpoint}`, isPassed: passed, text: details }
  })
}

/** Reads the lines `[1] issuer-identity PASS`. */
function readLive (text: string): readonly Check[] {
  return [...text.matchAll(/^\[\d+\] (\S+) +(\S+)$/gm)].map(([, id = '', verdict = '']) => {
    return { id, isPassed: verdict === 'PASS', text: verdict }
  })
}
