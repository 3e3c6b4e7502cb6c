import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { configFrom } from '../config/complete.js'
import { ConfigError, formatProblem } from '../config/problem.js'
import { readToolRules } from '../config/tool-rules.js'
import type { RuleMap } from '../options/policy.js'
import { isLoopback } from '../options/loopback.js'
import { findUrlFault } from '../options/http-url.js'
import { compilePolicy } from '../policy/compile.js'
import type { Policy } from '../policy/policy.js'
import { createServices } from '../services.js'
import { startServer } from '../server.js'
import type { FlagsOf } from './command-line.js'
import { readPort, reportConfigError } from './configuration.js'
import { EXIT, UsageError, type Output } from './io.js'
import { openLog } from './log.js'
import type { Paint } from './paint.js'
import { CRASHES } from './stop.js'

export type DemoFlags = FlagsOf<'demo'>

interface Gateway {
  readonly scopes: readonly string[]
  /** What a call of the tool needs in place of these scopes; undefined when no scope helps. */
  missingScopes (tool: string, scopes: readonly string[]): readonly string[] | undefined
  close (): Promise<void>
}

interface Demo {
  close (): Promise<void>
}

/** Of `demo/`, which is compiled by itself: what it needs is no dependency of the gateway. */
interface PartsModule {
  prepareDemo (options: {
    print (line: string): void
    signal: AbortSignal
  }): Promise<URL>
}

interface DemoModule {
  runDemo (options: {
    gatewayPort?: number,
    todoPort?: number,
    authorizationServerPort?: number
    upstream?: string
    toolRules?: RuleMap
    startGateway (config: unknown, listenOn: { host: string, port: number }): Promise<Gateway>
    print (line: string): void
    paint: Paint
  }): Promise<Demo>
}

interface UpstreamSettings {
  readonly upstream?: string
  readonly toolRules?: RuleMap
}

const PARTS = new URL('../../demo/dist/parts.js', import.meta.url)
const STOP_MS = 10_000

/**
 * Starts the gateway with a todo server and an authorization server, and prints how to try them. The
 * published package gets the parts of those two when this runs for the first time.
 */
export async function demo (flags: DemoFlags, output: Output): Promise<number | undefined> {
  if (!existsSync(PARTS)) {
    printFailure('this installation is without the demo; npx postern demo runs it', output)
    return EXIT.failure
  }
  const stop = new AbortController()
  const starting = startDemo(flags, output, stop.signal)
  closeWithGrace({ delay: STOP_MS, logger: false, skip: ['beforeExit', ...CRASHES] }, async () => {
    stop.abort()
    const running = await starting.catch(() => undefined)
    await running?.close()
  })
  try {
    await starting
    return undefined
  } catch (error) {
    if (stop.signal.aborted) return EXIT.failure
    if (error instanceof ConfigError) return reportConfigError(error, output)
    if (!['DemoFailure', 'PortTaken'].includes((error as Error).name)) throw error
    printFailure((error as Error).message, output)
    return EXIT.failure
  }
}

function printFailure (message: string, output: Output): void {
  output.printError(`${output.paintError('red', 'postern:')} ${message}`)
}

async function startDemo (flags: DemoFlags, output: Output, signal: AbortSignal): Promise<Demo> {
  const settings = {
    ...portFlag(flags, 'gateway-port', 'gatewayPort'),
    ...portFlag(flags, 'todo-port', 'todoPort'),
    ...portFlag(flags, 'authorization-server-port', 'authorizationServerPort'),
    ...upstreamFlags(flags)
  }
  const { prepareDemo } = await import(PARTS.href) as PartsModule
  const main = await prepareDemo({ print: output.print, signal })
  const { runDemo } = await import(main.href) as DemoModule
  return await runDemo({ ...settings, startGateway, print: output.print, paint: output.paint })
}

type PortFlag = 'gateway-port' | 'todo-port' | 'authorization-server-port'

function portFlag (flags: DemoFlags, flag: PortFlag, option: string): Record<string, number> {
  const text = flags[flag]
  return text === undefined ? {} : { [option]: readPort(text, `--${flag}`) }
}

/** Throws UsageError. */
function upstreamFlags ({ upstream, tool, 'todo-port': todoPort }: DemoFlags): UpstreamSettings {
  if (upstream === undefined) {
    if (tool !== undefined) throw new UsageError('--tool needs --upstream: the todo server has its rules')
    return {}
  }
  if (todoPort !== undefined) throw new UsageError('--todo-port and --upstream exclude each other')
  const fault = findUrlFault(upstream, { query: 'refused' })
  if (fault !== undefined) throw new UsageError(`--upstream ${fault}`)
  // Anybody can sign in as anybody here: that must lead to nothing beyond this machine.
  if (!isLoopback(new URL(upstream).hostname)) {
    throw new UsageError('--upstream must be on this machine: localhost, 127.0.0.1 or [::1]')
  }
  if (tool === undefined) return { upstream }
  const { value: toolRules, problems } = readToolRules(tool)
  if (problems.length > 0) throw new UsageError(problems.map(formatProblem).join('; '))
  return { upstream, toolRules }
}

/** Starts a gateway for the content of a configuration file. Throws ConfigError and errors of listeners. */
export async function startGateway (
  value: unknown, listenOn: { host: string, port: number }
): Promise<Gateway> {
  const config = configFrom(value, { ...listenOn, logLevel: 'warn' })
  const sessionKey = randomBytes(32).toString('base64')
  const { logger } = await openLog(config.logLevel, 'auto')
  const services = createServices({ logger, sessionKey })
  const server = await startServer(config, services)
  const [{ policy: rules } = { policy: undefined }] = config.servers
  if (rules === undefined) throw new Error('the configuration of the demo has no server')
  const policy = compilePolicy(rules)
  return {
    scopes: policy.scopes,
    missingScopes: (tool, scopes) => findMissing(policy, tool, scopes),
    close: server.stop
  }
}

function findMissing (
  policy: Policy, tool: string, scopes: readonly string[]
): readonly string[] | undefined {
  const method = 'tools/call'
  const operations = [{ method }, { method, target: { kind: 'tools', name: tool } }] as const
  const decision = policy.decide(operations, new Set(scopes))
  if (decision.effect === 'allow') return []
  return decision.reason === 'insufficient_scope' ? decision.requiredScopes : undefined
}
