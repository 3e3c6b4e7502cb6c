import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostern } from '../conformance/gateway.js'
import type { Closing } from '../helpers/closing.js'
import { findFreePort } from '../helpers/ports.js'
import type { LogLine } from '../helpers/process.js'
import {
  SCOPES, type AuthorizationServerKind, type Issuer, type Running
} from './authorization-servers/authorization-server.js'
import { DEMO } from './authorization-servers/demo.js'
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
  readonly authorizationServer: Issuer
}

/** Postern before an upstream, which it offers twice. */
export interface Stack {
  /**
   * Lists hold only what the client may use. The demo's authorization server signs in any subject, without a
   * page.
   */
  readonly filtered: Endpoint
  /** Lists are not filtered, for clients that call only listed tools. Here people sign in on a page. */
  readonly unfiltered: Endpoint
  /** What Postern's audit events say so far of the calls of who signs in under a name. */
  trace (name: string): Traces
}

export interface StackOptions {
  readonly upstream: string
  readonly transport: 'http' | 'sse'
  readonly task: Task
  /** The folder for the configuration file. */
  readonly folder: string
  /** Default: the demo's. */
  readonly authorizationServer?: AuthorizationServerKind | undefined
  /** The names under which people sign in. */
  readonly names: readonly string[]
  /** Ends the run. */
  readonly signal: AbortSignal
}

/** Starts the built gateway before an upstream, and the authorization server. */
export async function startStack (closing: Closing, options: StackOptions): Promise<Stack> {
  const { upstream, transport, task, folder, authorizationServer: kind = DEMO } = options
  const running = await kind.start(closing, options)
  const port = await findFreePort()
  const path = transport === 'sse' ? 'sse' : 'mcp'
  const filtered = await startEndpoint(running, `http://127.0.0.1:${port}/${path}`, true)
  const unfiltered = await startEndpoint(running, `http://127.0.0.1:${port}/unfiltered/${path}`, false)
  const policy = {
    tools: { [task.allowed.tool]: SCOPES.first, [task.privileged.tool]: SCOPES.more },
    implies: { [SCOPES.more]: [SCOPES.first] }
  }
  const config = {
    servers: [
      { ...describe(filtered, kind), upstream, policy },
      { ...describe(unfiltered, kind), upstream, policy: { ...policy, filterLists: false } }
    ]
  }
  const file = join(folder, 'postern.json')
  await writeFile(file, JSON.stringify(config))
  const log: LogLine[] = []
  await startPostern(closing, file, { port, hear: (line) => log.push(line) })
  const subjectsOf = (name: string): readonly string[] => {
    return [filtered, unfiltered].map(({ authorizationServer }) => authorizationServer.subjectOf(name))
  }
  return { filtered, unfiltered, trace: (name) => traceCalls(log, subjectsOf(name)) }
}

async function startEndpoint (running: Running, resource: string, isAutomatic: boolean): Promise<Endpoint> {
  return { resource, authorizationServer: await running.protect(resource, isAutomatic) }
}

function describe (
  { resource, authorizationServer }: Endpoint, { settings }: AuthorizationServerKind
): object {
  return {
    ...settings.server,
    resource,
    authorizationServers: [{ ...settings.entry, issuer: authorizationServer.issuer }]
  }
}

function traceCalls (log: readonly LogLine[], subjects: readonly string[]): Traces {
  const calls = log.flatMap((line) => {
    const { method, target } = (line['client'] ?? {}) as { method?: string, target?: string }
    const isOurs = line['event'] === 'request' && subjects.includes(String(line['subject']))
    const isCall = isOurs && method === 'tools/call'
    if (!isCall || target === undefined) return []
    return [{ target, isAllowed: line['decision'] === 'allow', reason: String(line['reason']) }]
  })
  return {
    allowed: calls.filter(({ isAllowed }) => isAllowed).map(({ target }) => target),
    refused: calls.filter(({ isAllowed }) => !isAllowed).map(({ target, reason }) => [target, reason])
  }
}
