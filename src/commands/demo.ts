import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { configFrom } from '../config/complete.js'
import { createServices } from '../services.js'
import { startServer } from '../server.js'
import type { FlagsOf } from './command-line.js'
import { readPort } from './configuration.js'
import { EXIT, type Output } from './io.js'
import { openLog } from './log.js'
import { CRASHES } from './stop.js'

export type DemoFlags = FlagsOf<'demo'>

interface Gateway {
  readonly url: string
  close (): Promise<void>
}

interface DemoModule {
  runDemo (options: {
    gatewayPort?: number,
    todoPort?: number,
    authorizationServerPort?: number
    startGateway (config: unknown, listenOn: { host: string, port: number }): Promise<Gateway>
    print (line: string): void
  }): Promise<{ close (): Promise<void> }>
}

const STOP_MS = 10_000

/**
 * Starts the gateway with a todo server and an authorization server, and prints how to try them. Those two
 * are development code, which the published package does not contain.
 */
export async function demo (flags: DemoFlags, output: Output): Promise<number | undefined> {
  const parts = new URL('../../demo/dist/main.js', import.meta.url)
  if (!existsSync(parts)) {
    output.printError('postern: the demo runs from a clone of the repository: npm ci && npm run demo')
    return EXIT.failure
  }
  const { runDemo } = await import(parts.href) as DemoModule
  let running: { close (): Promise<void> } | undefined
  closeWithGrace({ delay: STOP_MS, logger: false, skip: ['beforeExit', ...CRASHES] }, async () => {
    await running?.close()
  })
  try {
    running = await runDemo({
      ...portFlag(flags, 'gateway-port', 'gatewayPort'),
      ...portFlag(flags, 'todo-port', 'todoPort'),
      ...portFlag(flags, 'authorization-server-port', 'authorizationServerPort'),
      startGateway,
      print: output.print
    })
    return undefined
  } catch (error) {
    if ((error as Error).name !== 'PortTaken') throw error
    output.printError(`postern: ${(error as Error).message}`)
    return EXIT.failure
  }
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
  const services = createServices({ logger: openLog(config.logLevel).logger, sessionKey })
  const server = await startServer(config, services)
  return { url: server.url, close: server.stop }
}
