// However npm goes, the demo that it runs goes, too: no process and no port is left.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

/** By its ports: in a container without an init, a process that has ended stays in the list of processes. */
async function nothingIsLeft (ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const answers = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/health`).then(() => true, () => false)
    await until(async () => !await answers(), `nothing listens on port ${port}`)
  }
  const listsThem = (): boolean => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(`--gateway-port ${ports[0]}`)
  await until(() => !listsThem(), 'no process is left')
}

t.test('Ctrl+C', async (t) => {
  const { npm, ports } = await startWithNpm(t)
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

t.test('a terminal that is closed', async (t) => {
  const { ports, flags } = await choosePorts()
  const terminal = startProgram(t, 'script', ['-qec', `npm run demo --ignore-scripts -- ${flags.join(' ')}`, '/dev/null'], { cwd: ROOT, env: { TERM: 'xterm-256color' } })
  await terminal.printed(READY)
  t.ok(terminal.stdout.includes('\u001b['), 'it shows colours')
  terminal.signal('SIGKILL')
  await nothingIsLeft(ports)
})

t.test('a terminal without colours', async (t) => {
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
