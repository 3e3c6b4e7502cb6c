// However npm goes, the demo that it runs goes, too: no process and no port is left.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findFreePort } from '../helpers/ports.js'
import { CLI, startProgram, type RunningProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { until } from '../helpers/until.js'

interface DemoOfNpm {
  readonly npm: RunningProgram
  readonly ports: readonly number[]
}

/** A busy machine needs longer than the second in which the demo usually ends. */
const PATIENCE = { withinMs: 20_000 }
const READY = /Stop with Ctrl\+C\.\r?\n/

async function choosePorts (): Promise<{ ports: number[], flags: string[] }> {
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()]
  const names = ['--gateway-port', '--todo-port', '--authorization-server-port']
  return { ports, flags: names.flatMap((name, index) => [name, String(ports[index])]) }
}

/** Starts `npm run demo` without the build before it. */
async function startWithNpm (t: Test, cwd = ROOT): Promise<DemoOfNpm> {
  const { ports, flags } = await choosePorts()
  const npm = startProgram(t, 'npm', ['run', 'demo', '--ignore-scripts', '--', ...flags], { cwd })
  await npm.printed(READY)
  return { npm, ports }
}

async function nothingIsLeft (ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const answers = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/health`).then(() => true, () => false)
    await until(async () => !await answers(), `nothing listens on port ${port}`, PATIENCE)
  }
  if (hasProc) await until(() => !isRunning(`--gateway-port\0${ports[0]}\0`), 'no process is left', PATIENCE)
}

/** In a container without an init an orphan that has ended stays in the list, but without arguments. */
function isRunning (args: string): boolean {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(args)
    } catch {
      return false // it has just ended
    }
  })
}

const hasProc = existsSync('/proc')
const hasTerminals = spawnSync('script', ['--version']).status === 0

t.test('Ctrl+C', async (t) => {
  const { npm, ports } = await startWithNpm(t)
  if (hasProc) t.ok(isRunning(`--gateway-port\0${ports[0]}\0`), 'the list of processes shows it')
  npm.signalGroup('SIGINT')
  await npm.ended
  await nothingIsLeft(ports)
})

t.test('SIGTERM to npm, which hands it on to a shell', async (t) => {
  const { npm, ports } = await startWithNpm(t)
  npm.signal('SIGTERM')
  await nothingIsLeft(ports)
})

t.test('SIGKILL to npm, which hands nothing on', async (t) => {
  const { npm, ports } = await startWithNpm(t)
  npm.signal('SIGKILL')
  await nothingIsLeft(ports)
})

t.test('SIGKILL to npm while the shell between the two goes on', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-npm-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  // The shell cannot make way for the last command: there is one more after it.
  writeFileSync(join(folder, 'demo.sh'), `"${process.execPath}" "${CLI}" demo "$@"\ntrue\n`)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { demo: 'sh demo.sh' } }))
  const { npm, ports } = await startWithNpm(t, folder)
  npm.signal('SIGKILL')
  await nothingIsLeft(ports)
})

t.test('a terminal that is closed', { skip: !hasTerminals }, async (t) => {
  const { ports, flags } = await choosePorts()
  const terminal = startProgram(t, 'script', ['-qec', `npm run demo --ignore-scripts -- ${flags.join(' ')}`, '/dev/null'], { cwd: ROOT, env: { TERM: 'xterm-256color' } })
  await terminal.printed(READY)
  t.ok(terminal.stdout.includes('\u001b['), 'it shows colours')
  terminal.signal('SIGKILL')
  await nothingIsLeft(ports)
})

t.test('a terminal without colours', { skip: !hasTerminals }, async (t) => {
  const { flags } = await choosePorts()
  const terminal = startProgram(t, 'script', ['-qec', `"${process.execPath}" "${CLI}" demo ${flags.join(' ')}`, '/dev/null'], { cwd: ROOT, env: { TERM: 'xterm-256color', NO_COLOR: '1' } })
  await terminal.printed(READY)
  t.notOk(terminal.stdout.includes('\u001b['))
})

t.test('without npm it stays when its parent has gone', async (t) => {
  const { ports, flags } = await choosePorts()
  const shell = startProgram(t, 'sh', ['-c', `"${process.execPath}" "${CLI}" demo ${flags.join(' ')} & echo "$!"; wait`])
  await shell.printed(READY)
  shell.signal('SIGKILL')
  // Twice as long as a demo of npm needs to see it.
  const end = performance.now() + 1_000
  await until(async () => {
    const { ok } = await fetch(`http://127.0.0.1:${ports[0]}/health`)
    return !ok || performance.now() > end
  }, 'it answers until the end')
  t.ok(performance.now() > end)
})
