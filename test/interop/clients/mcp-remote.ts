import type { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as StdioClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Closing } from '../../helpers/closing.js'
import { findFreePort } from '../../helpers/ports.js'
import { createBrowser } from '../../helpers/oauth-browser.js'
import type { ToolResult } from '../../helpers/oauth-client.js'
import type { Issuer } from '../authorization-servers/authorization-server.js'
import type { Era } from '../revisions.js'
import type { Client, Surroundings, Visit } from '../visit.js'
import { refusalOf, textOf } from './sdk.js'

const CALLBACK_LIMIT_MS = 5_000
const CALLBACK_POLL_MS = 50

/** Returns mcp-remote as stdio hosts start it: by default, and with modern revisions. */
export function listMcpRemotes (): readonly Client[] {
  return [createClient('mcp-remote', 'legacy', []), createClient('mcp-remote --protocol auto', 'modern', [
    '--protocol', 'auto'
  ])]
}

function createClient (title: string, era: Era, options: readonly string[]): Client {
  const untold = 'all of the authorization server'
  return {
    title,
    era,
    signsInElsewhere: true,
    untold,
    takes: 'a client id and scopes',
    visit: (closing, surroundings) => visit(closing, surroundings, options)
  }
}

async function visit (
  closing: Closing, surroundings: Surroundings, options: readonly string[]
): Promise<Visit> {
  const { task } = surroundings
  const client = await connect(closing, surroundings, options)
  const call = async (tool: string, args = {}): Promise<ToolResult> => {
    return await client.callTool({ name: tool, arguments: args }) as ToolResult
  }
  const { allowed, privileged, forbidden } = task
  return {
    list: 'filtered',
    tools: (await client.listTools()).tools.map(({ name }) => name),
    allowed: textOf(await call(allowed.tool, allowed.args)),
    forbidden: await call(forbidden.tool, forbidden.args).then(refusalOf, String),
    privileged: await call(privileged.tool, privileged.args).then(
      (result) => ({ kind: 'answered', text: textOf(result) }),
      (error) => ({ kind: 'refused', text: String(error) })
    )
  }
}

/** Starts mcp-remote with a home of its own and initializes through it; returns after the sign-in. */
async function connect (
  closing: Closing, { stack, transport, subject, programs, folder }: Surroundings, options: readonly string[]
): Promise<StdioClient> {
  const { resource, authorizationServer } = stack.filtered
  const callback = await findFreePort()
  const remote = new StdioClientTransport({
    command: process.execPath,
    args: [
      await programs.find('mcp-remote'), resource, String(callback),
      '--transport', `${transport}-only`, '--authorize-param', `login_hint=${subject}`, ...options,
      ...describeClient(authorizationServer)
    ],
    // The browser is `true`, which opens nothing; standard error has the URL as well.
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, MCP_REMOTE_CONFIG_DIR: folder, BROWSER: 'true' },
    stderr: 'pipe'
  })
  const said = signIn(remote.stderr as PassThrough, `http://localhost:${callback}/`)
  const client = new StdioClient({ name: 'postern-test', version: '1.0.0' })
  closing.after(() => client.close())
  // The SDK's types contradict each other under exactOptionalPropertyTypes.
  await client.connect(remote as Parameters<StdioClient['connect']>[0]).catch(
    (error: unknown) => { throw new Error(`${String(error)}\n${said()}`) }
  )
  return client
}

function describeClient ({ client }: Issuer): readonly string[] {
  if (client === undefined) return []
  return [
    '--static-oauth-client-info', JSON.stringify({ client_id: client.id }),
    '--static-oauth-client-metadata', JSON.stringify({ scope: client.scope })
  ]
}

/** Follows every URL that mcp-remote sends a person to. Returns a function that returns its whole output. */
function signIn (errors: PassThrough, redirectUrl: string): () => string {
  const browser = createBrowser()
  let said = ''
  let read = 0
  errors.setEncoding('utf8').on('data', (text: string) => {
    said += text
    for (const [line, url = ''] of said.slice(read).matchAll(/visiting:\s+(http\S+)\s/g)) {
      read = said.indexOf(line, read) + line.length
      browser.authorize(new URL(url), redirectUrl)
        .then((parameters) => bringBack(`${redirectUrl}oauth/callback?${parameters.toString()}`))
        .catch((error: unknown) => { said += `the browser: ${String(error)}\n` })
    }
  })
  return () => said
}

/** In a step-up mcp-remote listens only after it has sent the person away; this is faster than a person. */
async function bringBack (url: string): Promise<void> {
  for (let left = CALLBACK_LIMIT_MS / CALLBACK_POLL_MS; ; left--) {
    const response = await fetch(url).catch(() => undefined)
    await response?.body?.cancel()
    if (response !== undefined) return
    if (left === 0) throw new Error(`nothing listens at ${url}`)
    await sleep(CALLBACK_POLL_MS)
  }
}
