import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.js'
import { startPostern } from '../conformance/gateway.js'
import type { Closing } from '../helpers/closing.js'
import { findFreePort } from '../helpers/ports.js'
import type { LogLine } from '../helpers/process.js'
import type { Task } from './upstreams.js'

/** What Postern did with one principal's calls. */
export interface Traces {
  /** Tools whose calls went on to the upstream. */
  readonly allowed: readonly string[]
  /** Tools whose calls were refused, with the reason. */
  readonly refused: ReadonlyArray<readonly [tool: string, reason: string]>
}

/** A protected resource and the authorization server that it names. */
export interface Endpoint {
  readonly resource: string
  readonly authorizationServer: AuthorizationServer
}

/** Postern before an upstream, which it offers twice. */
export interface Stack {
  /**
   * Lists hold only what the client may use. The authorization server signs in any subject, without a page.
   */
  readonly filtered: Endpoint
  /** Lists are not filtered, for clients that call only listed tools. Here people sign in on a page. */
  readonly unfiltered: Endpoint
  /** What Postern's audit events say of a principal's calls so far. */
  trace (subject: string): Traces
}

export interface StackOptions {
  readonly upstream: string
  readonly transport: 'http' | 'sse'
  readonly task: Task
  /** The folder for the configuration file. */
  readonly folder: string
}

const SCOPES = ['use', 'admin']

/** Starts the built gateway before an upstream, and the demo's authorization servers. */
export async function startStack (
  closing: Closing, { upstream, transport, task, folder }: StackOptions
): Promise<Stack> {
  const port = await findFreePort()
  const path = transport === 'sse' ? 'sse' : 'mcp'
  const filtered = await startEndpoint(closing, `http://127.0.0.1:${port}/${path}`, true)
  const unfiltered = await startEndpoint(closing, `http://127.0.0.1:${port}/unfiltered/${path}`, false)
  const policy = {
    tools: { [task.allowed.tool]: 'use', [task.privileged.tool]: 'admin' },
    implies: { admin: ['use'] }
  }
  const config = {
    defaultScopes: ['use'],
    servers: [
      { ...describe(filtered), upstream, policy },
      { ...describe(unfiltered), upstream, policy: { ...policy, filterLists: false } }
    ]
  }
  const file = join(folder, 'postern.json')
  await writeFile(file, JSON.stringify(config))
  const log: LogLine[] = []
  await startPostern(closing, file, { port, hear: (line) => log.push(line) })
  return { filtered, unfiltered, trace: (subject) => traceCalls(log, subject) }
}

async function startEndpoint (closing: Closing, resource: string, autoLogin: boolean): Promise<Endpoint> {
  const authorizationServer = await startAuthorizationServer({
    port: 0, resources: [{ resource, scopes: SCOPES }], autoLogin
  })
  closing.after(() => authorizationServer.close())
  return { resource, authorizationServer }
}

function describe ({ resource, authorizationServer }: Endpoint): object {
  return { resource, authorizationServers: [authorizationServer.issuer] }
}

function traceCalls (log: readonly LogLine[], subject: string): Traces {
  const calls = log.flatMap((line) => {
    const { method, target } = (line['client'] ?? {}) as { method?: string, target?: string }
    const isCall = line['event'] === 'request' && line['subject'] === subject && method === 'tools/call'
    if (!isCall || target === undefined) return []
    return [{ target, isAllowed: line['decision'] === 'allow', reason: String(line['reason']) }]
  })
  return {
    allowed: calls.filter(({ isAllowed }) => isAllowed).map(({ target }) => target),
    refused: calls.filter(({ isAllowed }) => !isAllowed).map(({ target, reason }) => [target, reason])
  }
}
