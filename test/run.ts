/**
 * Runs all test files, each in a process of its own, several at a time, and prints TAP
 * (https://testanything.org). The `tap` program does the same but puts hooks for coverage and mocks into
 * every process, which costs a third of the time; `npm run coverage` uses it.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './helpers/root.js'

/** As in .taprc. */
const TIMEOUT_SECONDS = 120
/**
 * What a file prints when all its tests have ended. A file without a plan broke off, or it has no test:
 * it has failed, whatever its exit code.
 */
const PLAN = /^1\.\.\d+/m

interface Ended {
  readonly hasPassed: boolean
  /** `exitCode: 1`, the signal, or what was missing. */
  readonly how: string
  readonly stdout: string
  readonly ms: number
}

function listFiles (): string[] {
  const files = readdirSync(join(ROOT, 'build/test'), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.test.js')).map((file) => join('build/test', file)).sort()
}

/** Returns a line of diagnostics that says how a process ended. */
function explain (code: number | null, signal: NodeJS.Signals | null, hasPlan: boolean): string {
  if (signal !== null) return `signal: ${signal}`
  return code === 0 && !hasPlan ? 'message: ended before its plan' : `exitCode: ${code}`
}

/** Runs one test file to its end. A file that takes too long is killed, which is a failure. */
function runFile (file: string): Promise<Ended> {
  const start = performance.now()
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: ROOT,
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(TIMEOUT_SECONDS) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: (TIMEOUT_SECONDS + 10) * 1000,
    killSignal: 'SIGKILL'
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const hasPlan = PLAN.test(stdout)
      const ms = performance.now() - start
      resolve({ hasPassed: code === 0 && hasPlan, how: explain(code, signal, hasPlan), stdout, ms })
    })
  })
}

function print (number: number, file: string, { hasPassed, how, stdout, ms }: Ended): void {
  const lines = stdout.split('\n').filter((line) => line !== 'TAP version 14')
  const result = `${hasPassed ? 'ok' : 'not ok'} ${number} - ${file} # time=${ms.toFixed(0)}ms`
  const diagnostics = hasPassed ? [] : ['  ---', `  ${how}`, '  ...']
  const inside = lines.map((line) => line === '' ? '' : `    ${line}`)
  process.stdout.write([`# Subtest: ${file}`, ...inside, result, ...diagnostics, ''].join('\n'))
}

const files = listFiles()
const waiting = [...files]
let ended = 0

async function runWaiting (): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    print(++ended, file, await runFile(file))
  }
}

process.stdout.write(`TAP version 14\n1..${files.length}\n`)
await Promise.all(Array.from({ length: availableParallelism() }, runWaiting))
