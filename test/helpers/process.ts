import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { ROOT } from './root.js'
import type { Closing } from './closing.js'

export interface ProcessOptions {
  /** The whole environment but for PATH and HOME: nothing of this process's own leaks in. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Its standard input; default: none. */
  readonly input?: string | Readable
  /** Descriptors to write to; default: pipes, whose text is kept. */
  readonly stdout?: number
  readonly stderr?: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs as a child process, in a process group of its own. */
export interface RunningProgram {
  readonly pid: number
  /** All that it printed so far. */
  readonly stdout: string
  readonly stderr: string
  /**
   * Resolves with the first match in what it has printed or prints on standard output; rejects when it ends
   * without.
   */
  printed (pattern: RegExp): Promise<RegExpExecArray>
  /** To the program itself. */
  signal (name: NodeJS.Signals): void
  /** To the program and all that it started, as a terminal does for Ctrl+C. */
  signalGroup (name: NodeJS.Signals): void
  /** Whether the program, or anything that it started and left behind, still runs. */
  isAlive (): boolean
  readonly ended: Promise<Ended>
}

/** Starts a program; what is left of it and of all that it started is killed after the test. */
export function startProgram (
  t: Closing, command: string, args: readonly string[], options: ProcessOptions = {}
): RunningProgram {
  const { PATH = '', HOME = '' } = process.env
  const env = Object.entries({ PATH, HOME, ...options.env }).map(([name, value]) => `${name}=${value}`)
  // Through `env`, because tap adds instrumentation to the environment of every child: half a second for
  // each, and not what users run.
  const child = spawn('env', ['-i', ...env, command, ...args], {
    cwd: options.cwd,
    detached: true,
    // A pipe that ends tells some servers to end as well.
    stdio: [options.input === undefined ? 'ignore' : 'pipe', options.stdout ?? 'pipe', options.stderr ?? 'pipe']
  })
  child.stdin?.on('error', () => {}) // it may end without reading
  if (child.stdin !== null && options.input !== undefined) Readable.from(options.input).pipe(child.stdin)
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    const stream: Readable | null = child[name]
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const listener of listeners) listener()
    })
  }
  let isOver = false
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      isOver = true
      resolve({ code, signal, ...output })
      for (const listener of listeners) listener()
    })
  })
  const signalGroup = (name: NodeJS.Signals | 0): boolean => {
    return child.pid !== undefined && trySignal(-child.pid, name)
  }
  const kill = (): void => { signalGroup('SIGKILL') }
  // Also when the test is cut short: a process group of its own outlives this process.
  process.once('exit', kill)
  t.after(async () => {
    kill()
    await ended
    process.off('exit', kill)
  })

  return {
    pid: child.pid ?? 0,
    get stdout () { return output.stdout },
    get stderr () { return output.stderr },
    printed: (pattern) => new Promise((resolve, reject) => {
      function look (): void {
        const match = pattern.exec(output.stdout)
        if (match === null && !isOver) return
        listeners.delete(look)
        if (match !== null) return resolve(match)
        reject(new Error(`ended without printing ${pattern}: ${output.stdout}${output.stderr}`))
      }
      listeners.add(look)
      look()
    }),
    signal: (name) => { child.kill(name) },
    signalGroup: (name) => { signalGroup(name) },
    isAlive: () => signalGroup(0),
    ended
  }
}

/** Runs a program to its end. */
export function runProgram (
  t: Closing, command: string, args: readonly string[], options: ProcessOptions = {}
): Promise<Ended> {
  return startProgram(t, command, args, options).ended
}

function trySignal (pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false // nothing runs there any more
  }
}

/** The built command line program: what users run. */
export const CLI = join(ROOT, 'dist/cli.js')

/** Makes `postern` a command, as an installation does; returns the PATH that has it. */
export function installCommand (folder: string): string {
  writeFileSync(join(folder, 'postern'), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, { mode: 0o755 })
  return [folder, dirname(process.execPath), process.env['PATH']].join(':')
}

/** Starts `postern` with the given arguments. */
export function startCli (t: Closing, args: readonly string[], options: ProcessOptions = {}): RunningProgram {
  return startProgram(t, process.execPath, [CLI, ...args], options)
}

/** Runs `postern` to its end. */
export function runCli (t: Closing, args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  return startCli(t, args, options).ended
}

/** A line of a gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>

/** Returns the log lines among what a gateway printed. */
export function parseLog (stdout: string): LogLine[] {
  return stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine)
}

/** Resolves with the URL of a gateway once it listens. */
export async function listeningUrl (program: RunningProgram): Promise<string> {
  const [, json, pretty = ''] = await program.printed(/"event":"started","url":"([^"]+)"|started .* url=(\S+)/)
  return json ?? pretty
}
