import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Closing } from '../../helpers/closing.js'
import { createBrowser } from '../../helpers/oauth-browser.js'
import { startProgram, type Ended, type RunningProgram } from '../../helpers/process.js'
import { ROOT } from '../../helpers/root.js'
import type { CompiledName } from '../compiled.js'
import type { Programs } from '../programs.js'
import type { Environment } from '../python.js'
import type { Client, Surroundings, Visit } from '../visit.js'

/** Makes the command line of a client; its argument comes after that. */
type Command = (programs: Programs) => Promise<readonly string[]>

const REDIRECT_URL = 'http://localhost:9876/callback'
const PYTHON_CLIENT = join(ROOT, 'test/interop/clients/python-client.py')

/**
 * Returns the clients of other languages' SDKs. Each is a small program that gets the task as its argument,
 * as JSON. It prints `authorize <URL>` where it would send a person to the authorization server, and reads
 * the URL that the person is brought back to. In the end it prints what it saw, as JSON.
 */
export function listProgramClients (): readonly Client[] {
  const untold = 'all of the authorization server'
  const python = { untold, takes: 'a client id' } as const
  const compiled = { transport: 'http', takes: 'a client id and scopes' } as const
  return [
    { title: 'Python SDK 2.x', era: 'any', ...python, ...run(runPython('fastmcp')) },
    { title: 'Python SDK 1.x', era: 'legacy', ...python, ...run(runPython('mcp-1')) },
    { title: 'Go SDK', era: 'any', ...compiled, ...run(runCompiled('go-client')) },
    { title: 'Rust SDK', era: 'any', ...compiled, untold, ...run(runCompiled('rust-client')) }
  ]
}

function run (command: Command): Pick<Client, 'signsInElsewhere' | 'visit'> {
  return {
    signsInElsewhere: true,
    visit: (closing, surroundings) => visit(closing, surroundings, command)
  }
}

function runPython (environment: Environment): Command {
  return async (programs) => [await programs.python(environment), PYTHON_CLIENT]
}

function runCompiled (name: CompiledName): Command {
  return async (programs) => [await programs.compiled(name)]
}

async function visit (closing: Closing, surroundings: Surroundings, command: Command): Promise<Visit> {
  const { stack, transport, task, subject, programs, folder } = surroundings
  const [program = '', ...args] = await command(programs)
  const { resource, authorizationServer: { client: known } } = stack.filtered
  const order = { url: resource, redirectUrl: REDIRECT_URL, transport, client: known, ...task }
  const input = new PassThrough()
  const client = startProgram(closing, program, [...args, JSON.stringify(order)], {
    input, env: { HOME: folder }, cwd: folder
  })
  const [ended] = await Promise.all([client.ended, signIn(client, input, subject)])
  const { tools, allowed, forbidden, privileged } = readSeen(ended)
  return {
    list: 'filtered',
    tools,
    allowed: allowed.text,
    forbidden: forbidden.kind === 'refused' ? forbidden.text : undefined,
    privileged
  }
}

/** Goes to every URL that the client sends its person to, and tells it where the person came back. */
async function signIn (client: RunningProgram, input: PassThrough, subject: string): Promise<void> {
  const browser = createBrowser()
  for (let times = 1; ; times++) {
    const sent = new RegExp(`(?:^authorize (\\S+)\n[^]*?){${times}}`, 'm')
    const match = await client.printed(sent).catch(() => undefined)
    if (match === undefined) return
    const url = new URL(match[1] ?? '')
    url.searchParams.set('login_hint', subject)
    input.write(`${REDIRECT_URL}?${await browser.authorize(url, REDIRECT_URL)}\n`)
  }
}

/** What a client prints in the end. */
interface Seen {
  readonly tools: readonly string[]
  readonly allowed: Visit['privileged']
  readonly forbidden: Visit['privileged']
  readonly privileged: Visit['privileged']
}

function readSeen ({ code, stdout, stderr }: Ended): Seen {
  if (code !== 0) throw new Error(`it ends with ${code}: ${stdout}${stderr}`)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Seen
}
