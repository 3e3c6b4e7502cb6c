import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { configFrom } from '../config/complete.js'
import { compilePolicy } from '../policy/compile.js'
import { createServices } from '../services.js'
import { startServer } from '../server.js'
import type { FlagsOf } from './command-line.js'
import { readPort } from './configuration.js'
import { EXIT, type Output } from './io.js'
import { openLog } from './log.js'
import type { Paint } from './paint.js'
import { CRASHES } from './stop.js'

export type DemoFlags = FlagsOf<'demo'>

interface Gateway {
  readonly scopes: readonly string[]
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
    startGateway (config: unknown, listenOn: { host: string, port: number }): Promise<Gateway>
    print (line: string): void
    paint: Paint
  }): Promise<Demo>
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
    if (!['DemoFailure', 'PortTaken'].includes((error as Error).name)) throw error
    printFailure((error as Error).message, output)
    return EXIT.failure
  }
}

function printFailure (message: string, output: Output): void {
  output.printError(`${output.paintError('red', 'postern:')} ${message}`)
}

async function startDemo (flags: DemoFlags, output: Output, signal: AbortSignal): Promise<Demo> {
  const ports = {
    ...portFlag(flags, 'gateway-port', 'gatewayPort'),
    ...portFlag(flags, 'todo-port', 'todoPort'),
    ...portFlag(flags, 'authorization-server-port', 'authorizationServerPort')
  }
  const { prepareDemo } = await import(PARTS.href) as PartsModule
  const main = await prepareDemo({ print: output.print, signal })
  const { runDemo } = await import(main.href) as DemoModule
  return await runDemo({ ...ports, startGateway, print: output.print, paint: output.paint })
}

function portFlag (flags: DemoFlags, flag: keyof DemoFlags, option: string): Record<string, number> {
  const text = flags[flag]
  return text === undefined ? {} : { [option]: readPort(text, `--${flag}`) }
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
  const scopes = config.servers.flatMap(({ policy }) => compilePolicy(policy).scopes)
  return { scopes, close: server.stop }
}
