import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Closing } from '../helpers/closing.js'
import { startProgram, type RunningProgram } from '../helpers/process.js'

const START_LIMIT_MS = 30_000
/** How long a program may take to end what it has started, before it is killed. */
const STOP_LIMIT_MS = 3_000
const POLL_MS = 50

export interface ServerOptions {
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Default: 30 seconds. */
  readonly startLimitMs?: number
}

/**
 * Starts a server in its own process; returns it once it listens. Throws, with its output, when it does not.
 */
export async function runServer (
  closing: Closing, command: readonly string[],
  { port, env, cwd, startLimitMs = START_LIMIT_MS }: ServerOptions
): Promise<RunningProgram> {
  const [program = '', ...args] = command
  const server = startProgram(closing, program, args, { env, cwd })
  closing.after(() => stop(server))
  const giveUp = AbortSignal.timeout(startLimitMs)
  while (!await isListening(port)) {
    if (!server.isAlive() || giveUp.aborted) {
      throw new Error(`it does not listen: ${server.stdout}${server.stderr}`)
    }
    await sleep(POLL_MS)
  }
  return server
}

/** Sends SIGTERM first: a browser that a server has started is in a process group of its own. */
async function stop (server: RunningProgram): Promise<void> {
  server.signalGroup('SIGTERM')
  await Promise.race([server.ended, sleep(STOP_LIMIT_MS, undefined, { ref: false })])
}

function isListening (port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
