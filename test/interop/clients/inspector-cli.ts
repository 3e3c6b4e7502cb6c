import type { Closing } from '../../helpers/closing.js'
import { startProgram, type Ended } from '../../helpers/process.js'
import type { ToolResult } from '../../helpers/oauth-client.js'
import type { Programs } from '../programs.js'
import type { Era } from '../revisions.js'
import type { Call } from '../upstreams.js'
import type { Client, Surroundings, Visit } from '../visit.js'
import { textOf } from './sdk.js'

/** What the Inspector's exit codes mean. */
const EXIT = { ok: 0, insufficientScope: 1, authenticationRequired: 3 }

/** Returns the Inspector's command line program. Its OAuth flow needs a person, so it gets a token. */
export function listInspectors (): readonly Client[] {
  const eras: readonly Era[] = ['legacy', 'modern']
  return eras.map((era) => ({
    title: `Inspector CLI, ${era}`,
    era,
    visit
  }))
}

type Inspect = (args: readonly string[], options?: { readonly token?: string }) => Promise<Ended>

async function visit (closing: Closing, surroundings: Surroundings): Promise<Visit> {
  const { stack, subject, task: { allowed, privileged, forbidden } } = surroundings
  const { resource, authorizationServer } = stack.unfiltered
  const token = await authorizationServer.issueToken?.({ resource, scopes: ['use'], subject })
  if (token === undefined) throw new Error('the authorization server issues no token without a sign-in')
  const inspect = await prepare(closing, surroundings)
  const call = ({ tool, args }: Pick<Call, 'tool' | 'args'>): Promise<Ended> =>
    inspect(['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)], {
      token
    })

  for (const wrong of [{}, { token: 'wrong' }]) {
    requireExit(await inspect(['--method', 'tools/list'], wrong), EXIT.authenticationRequired)
  }
  const { tools } = resultOf(await inspect(['--method', 'tools/list'], { token })) as {
    tools: readonly { name: string }[]
  }
  return {
    list: 'unfiltered',
    tools: tools.map(({ name }) => name),
    allowed: textOf(resultOf(await call(allowed)) as ToolResult),
    forbidden: refusalOf(await call(forbidden)),
    privileged: { kind: 'refused', text: requireExit(await call(privileged), EXIT.insufficientScope).stderr }
  }
}

async function prepare (
  closing: Closing, { stack, transport, era, programs, folder }: Surroundings
): Promise<Inspect> {
  const node = await findInspectorNode(programs)
  const program = await programs.find('inspector')
  return (args, { token } = {}) => startProgram(closing, node, [
    program, '--cli', '--server-url', stack.unfiltered.resource, '--transport', transport,
    '--protocol-era', era, '--format', 'json',
    // Otherwise it would open a browser.
    '--stored-auth-only',
    ...token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`],
    ...args
  ], { env: { HOME: folder } }).ended
}

/** Returns a Node that is new enough for the Inspector. */
export async function findInspectorNode (programs: Programs): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 19) ? process.execPath : programs.find('node')
}

function requireExit (ended: Ended, code: number): Ended {
  if (ended.code !== code) {
    throw new Error(
      `the Inspector ends with ${ended.code} instead of ${code}: ${ended.stdout}${ended.stderr}`
    )
  }
  return ended
}

/** Its exit code does not count: it takes a 403 without a challenge for missing authentication. */
function refusalOf ({ code, stderr }: Ended): string | undefined {
  return code !== EXIT.ok && stderr.includes('access_denied') ? stderr : undefined
}

function resultOf (ended: Ended): unknown {
  return (JSON.parse(requireExit(ended, EXIT.ok).stdout) as { result: unknown }).result
}
