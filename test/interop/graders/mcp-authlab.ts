import { fileURLToPath } from 'node:url'
import { OTHER_RESOURCE, SCOPE } from './examined.js'
import { runPython, type Check, type Grader } from './grader.js'

const BROWSER = fileURLToPath(new URL('browser.js', import.meta.url))

interface Report {
  readonly results: ReadonlyArray<{ readonly id: string, readonly status: string, readonly message: string }>
}

/** Signs in as a public client and tries the authorization server meanwhile; then examines the server. */
export const mcpAuthlab: Grader = {
  name: 'mcp-authlab',
  examines: ['demo', 'sessions'],
  async grade (closing, { examined: { resource, privilegedTool }, programs, folder }) {
    const python = await programs.python('mcp-authlab')
    const env = { HOME: folder, BROWSER: `${process.execPath} ${BROWSER} %s &` }
    const run = (...args: readonly string[]): Promise<string> => {
      return runPython(closing, { python, args: ['-m', 'mcp_authlab', ...args], env })
    }
    const scope = `${SCOPE} offline_access`
    await run('login', resource, '--thorough', '--scope', scope, '--foreign-resource', OTHER_RESOURCE)
    const report = JSON.parse(await run('scan', resource, '--tool', privilegedTool, '--format', 'json')) as Report
    return report.results.map(({ id, status, message }): Check => {
      return { id, isPassed: status === 'pass', text: `${status}: ${message}` }
    })
  }
}
