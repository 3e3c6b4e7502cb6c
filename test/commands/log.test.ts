import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { post } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { findFreePort } from '../helpers/ports.js'
import { CLI, parseLog, startCli, startProgram, type RunningProgram } from '../helpers/process.js'
import { until } from '../helpers/until.js'
import { startUpstream } from '../helpers/upstream.js'

/** Sooner than a drain time that had to be waited for. */
const DRAIN_MS = 3000

interface Gateway {
  readonly program: RunningProgram
  readonly token: string
  readonly request: (token: string | undefined, message?: unknown) => Promise<number>
  /** What /readyz says about the log; the whole must be ready. */
  logState (): Promise<{ state: string, lost: number }>
  lostMetric (): Promise<number>
}

type Start = (args: readonly string[]) => RunningProgram

/** Starts the built program with a log that may tell nothing: its ports are chosen before. */
async function startGateway (t: Test, start: Start): Promise<Gateway> {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const upstream = await startUpstream(t)
  const [port, admin] = [await findFreePort(), await findFreePort()]
  const { file } = writeConfig(t, todoConfig({
    upstream: `${upstream.origin}/mcp`,
    authorizationServers: [issuer.issuer],
    admin: { host: '127.0.0.1', port: admin },
    limits: { drainMs: DRAIN_MS }
  }))
  const program = start(['serve', '--config', file, '--port', String(port)])
  const [url, adminUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${admin}`]
  const isLive = async (): Promise<boolean> => fetch(`${adminUrl}/livez`).then(({ ok }) => ok, () => false)
  await until(isLive, 'it starts', { withinMs: 20_000 })
  return {
    program,
    token: await issuer.token(),
    request: async (token, message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos' } }) => {
      const response = await post(`${url}/mcp`, token, message)
      await response.arrayBuffer()
      return response.status
    },
    async logState () {
      const response = await fetch(`${adminUrl}/readyz`)
      t.equal(response.status, 200)
      const { parts } = await response.json() as {
        parts: Array<{ name: string, state: string, lost: number }>
      }
      const [part] = parts.filter(({ name }) => name === 'log')
      if (part === undefined) throw new Error('readiness does not name the log')
      return part
    },
    async lostMetric () {
      const text = await (await fetch(`${adminUrl}/metrics`)).text()
      return Number(/^postern_log_lines_lost_total (\d+)$/m.exec(text)?.[1])
    }
  }
}

/** A FIFO, with the end that the program writes to and the end that the test may read from. */
function makeFifo (t: Test): { readonly reader: number, readonly writer: number } {
  const path = join(t.testdir(), 'fifo')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { reader, writer: openSync(path, constants.O_WRONLY) }
}

/** Returns all that is in a pipe. */
function drain (reader: number): string {
  const chunk = Buffer.alloc(65_536)
  let text = ''
  try {
    for (let size = readSync(reader, chunk); size > 0; size = readSync(reader, chunk)) text += chunk.toString('utf8', 0, size)
  } catch {} // empty
  return text
}

/** A message that is denied, and whose audit event is about 30 KiB long. */
const WORDY = {
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params: { notifications: { resourceSubscriptions: Array.from({ length: 20 }, (_, index) => `x:${index}${'\u0001'.repeat(250)}`) } }
}

/** Resolves with what is said about a log that is not written. */
async function whenNotWriting ({ logState }: Gateway): Promise<{ state: string, lost: number }> {
  let found = await logState()
  await until(async () => {
    found = await logState()
    return found.state !== 'writing'
  }, 'the log is not written')
  return found
}

async function stopsInTime (t: Test, { program }: Gateway): Promise<void> {
  const start = performance.now()
  program.signal('SIGTERM')
  t.match(await program.ended, { code: 0, signal: null })
  t.ok(performance.now() - start < DRAIN_MS, 'nothing is waited for')
}

/** Lets `fs.write` and `fs.writeSync` to standard output fail while a file is there; it holds the code. */
function failWhile (file: string): string {
  const code = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const { write, writeSync } = fs
    function failure () {
      if (!fs.existsSync(${JSON.stringify(file)})) return
      return Object.assign(new Error('injected'), { code: fs.readFileSync(${JSON.stringify(file)}, 'utf8') })
    }
    fs.write = (fd, bytes, done) => {
      const error = failure()
      if (error === undefined) write(fd, bytes, done)
      else setImmediate(done, error)
    }
    fs.writeSync = (...args) => {
      const error = failure()
      if (error === undefined) return writeSync(...args)
      throw error
    }
    syncBuiltinESMExports()`
  return preload(code)
}

function preload (code: string): string {
  return `--import data:text/javascript,${encodeURIComponent(code)}`
}

t.test('O6: a closed pipe', async (t) => {
  const { reader, writer } = makeFifo(t)
  const gateway = await startGateway(t, (args) => startCli(t, args, { stdout: writer }))
  closeSync(writer)
  t.equal(await gateway.request(gateway.token), 200)
  closeSync(reader)
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token), 200)
  t.match(await whenNotWriting(gateway), { state: 'EPIPE', lost: 0 })
  t.equal(await gateway.request(undefined), 401)
  await stopsInTime(t, gateway)
})

t.test('O6: a full disk from the start', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, async (t) => {
  const full = openSync('/dev/full', 'w')
  const gateway = await startGateway(t, (args) => startCli(t, args, { stdout: full }))
  closeSync(full)
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token), 200)
  t.match(await gateway.logState(), { state: 'ENOSPC', lost: 0 })
  await stopsInTime(t, gateway)
})

/** How the log is written, and how its lines about requests and about lost lines look. */
const FORMATS = {
  json: { request: /"event":"request"/g, written: /"httpStatus":200/, gap: /"event":"log","lost":(\d+)[^\n]*\n/, stopping: /"event":"stopping"/ },
  pretty: { request: / request requestId=/g, written: / httpStatus=200 /, gap: / log [^\n]* lost=(\d+)[^\n]*\n/, stopping: / stopping / }
} as const

for (const [code, format] of [['ENOSPC', 'json'], ['EIO', 'json'], ['ENOSPC', 'pretty']] as const) {
  t.test(`O6: ${code}, and back, with lines that are ${format}`, async (t) => {
    const expected = FORMATS[format]
    const failing = join(t.testdir(), 'failing')
    const env = { NODE_OPTIONS: failWhile(failing), LOG_FORMAT: format }
    const gateway = await startGateway(t, (args) => startCli(t, args, { env }))
    t.equal(await gateway.request(gateway.token), 200)
    await gateway.program.printed(expected.written)
    writeFileSync(failing, code)
    for (let i = 0; i < 200; i++) t.equal(await gateway.request(gateway.token, WORDY), 403)
    t.equal(await gateway.request(gateway.token), 200)
    t.match(await gateway.logState(), { state: code })
    rmSync(failing)
    const [, missing] = await gateway.program.printed(expected.gap)
    const lost = Number(missing)
    t.ok(lost > 20, `${lost} lost`)
    t.match(await gateway.logState(), { state: 'writing', lost })
    t.equal(await gateway.lostMetric(), lost)
    t.equal(await gateway.request(gateway.token), 200)
    await stopsInTime(t, gateway)
    const requests = gateway.program.stdout.match(expected.request) ?? []
    t.equal(requests.length + lost, 1 + 200 + 1 + 1, 'each line is written or counted')
    t.match(gateway.program.stdout, expected.stopping)
  })
}

t.test('O6: a terminal that vanishes', { skip: existsSync('/usr/bin/script') ? false : 'there is no script(1)' }, async (t) => {
  const pidFile = join(t.testdir(), 'pid')
  let terminal: RunningProgram | undefined
  const gateway = await startGateway(t, (args) => {
    const command = `echo $$ > ${pidFile}; exec ${process.execPath} ${CLI} ${args.join(' ')}`
    terminal = startProgram(t, '/usr/bin/script', ['-qfc', command, '/dev/null'], { input: '' })
    return terminal
  })
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {} // it has ended
  })
  terminal?.signal('SIGKILL')
  await terminal?.ended
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token), 200)
  t.match(await whenNotWriting(gateway), { state: 'EIO' })
  process.kill(pid, 'SIGTERM')
  await until(() => !existsSync(`/proc/${pid}/exe`), 'it ends')
})

t.test('O6: a reader that stalls costs no call, and no more memory than is said', async (t) => {
  const { reader, writer } = makeFifo(t)
  const gateway = await startGateway(t, (args) => startCli(t, args, { stdout: writer }))
  closeSync(writer)
  const before = drain(reader)
  for (let i = 0; i < 300; i++) t.equal(await gateway.request(gateway.token, WORDY), 403)
  t.equal(await gateway.request(gateway.token), 200)
  t.match(await whenNotWriting(gateway), { state: 'stalled' })
  let text = before
  await until(() => {
    text += drain(reader)
    return /"event":"log","lost":\d+.*\n/.test(text)
  }, 'a line about the gap')
  const lost = Number(/"event":"log","lost":(\d+)/.exec(text)?.[1])
  t.ok(lost > 100, `${lost} lost`)
  t.equal(await gateway.lostMetric(), lost)
  t.equal(await gateway.request(gateway.token), 200)
  await stopsInTime(t, gateway)
  const log = parseLog(text + drain(reader))
  t.equal(log.filter(({ event }) => event === 'request').length + lost, 302, 'each line is written or counted')
  t.ok(log.some(({ event }) => event === 'stopping'), 'the last line too')
  closeSync(reader)
})

t.test('O6: a reader that has stalled does not hold up the end', async (t) => {
  const { reader, writer } = makeFifo(t)
  const gateway = await startGateway(t, (args) => startCli(t, args, { stdout: writer }))
  closeSync(writer)
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token, WORDY), 403)
  t.match(await whenNotWriting(gateway), { state: 'stalled' })
  await stopsInTime(t, gateway)
  closeSync(reader)
})

t.test('O6: a write that hangs in the kernel costs no call, and the process ends', async (t) => {
  const fifo = join(t.testdir(), 'nobody')
  execFileSync('mkfifo', [fifo])
  // Opening a FIFO waits for its other end: it holds a thread, as a write to a hanging disk does.
  const NODE_OPTIONS = preload(`
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    fs.write = (fd, bytes, done) => { fs.open(${JSON.stringify(fifo)}, 'w', () => {}) }
    syncBuiltinESMExports()`)
  const gateway = await startGateway(t, (args) => startCli(t, args, { env: { NODE_OPTIONS } }))
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token), 200)
  t.match(await whenNotWriting(gateway), { state: 'stalled' })
  gateway.program.signal('SIGTERM')
  t.match(await gateway.program.ended, { signal: 'SIGKILL' }, 'there is no other end for such a process')
})

t.test('O6: a pipe that another process makes blocking again does not hold up anything', async (t) => {
  const { reader, writer } = makeFifo(t)
  // Node makes the pipe non-blocking, and sets it back when it ends.
  const other = startProgram(t, process.execPath, [
    '-e', 'process.stdout; console.error("up"); process.on("SIGTERM", process.exit); setInterval(() => {}, 1000)'
  ], { stdout: writer })
  await until(() => other.stderr.includes('up'), 'the other one starts')
  const gateway = await startGateway(t, (args) => startCli(t, args, { stdout: writer }))
  closeSync(writer)
  other.signal('SIGTERM')
  await other.ended
  for (let i = 0; i < 20; i++) t.equal(await gateway.request(gateway.token, WORDY), 403)
  t.match(await whenNotWriting(gateway), { state: 'stalled' })
  await stopsInTime(t, gateway)
  closeSync(reader)
})

/** Runs code in the program on a signal that means nothing to it. */
function onWindowChange (code: string): string {
  return preload(`process.on('SIGWINCH', () => { ${code} })`)
}

t.test('an error that ends the process is in the log', async (t) => {
  const env = { NODE_OPTIONS: onWindowChange('throw new Error(`defect`)') }
  const { program } = await startGateway(t, (args) => startCli(t, args, { env }))
  program.signal('SIGWINCH')
  const { code, stdout } = await program.ended
  t.equal(code, 1)
  t.match(parseLog(stdout).at(-1), { level: 60, event: 'failure', err: { message: 'defect' } })
})

t.test('O6: a closed pipe for errors does not end the process', async (t) => {
  const { reader, writer } = makeFifo(t)
  const env = { NODE_OPTIONS: onWindowChange('process.stderr.write(`a warning`); console.log(`done`)') }
  const gateway = await startGateway(t, (args) => startCli(t, args, { env, stderr: writer }))
  closeSync(writer)
  closeSync(reader)
  gateway.program.signal('SIGWINCH')
  await gateway.program.printed(/done/)
  t.equal(await gateway.request(gateway.token), 200)
  await stopsInTime(t, gateway)
})

t.test('the log is for people on a terminal, and JSON anywhere else, unless LOG_FORMAT says otherwise', { skip: existsSync('/usr/bin/script') ? false : 'there is no script(1)' }, async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const command = `echo pid $$; exec ${process.execPath} ${CLI} serve --config ${file} --port 0`
  const onTerminal = async (env: Record<string, string>): Promise<RunningProgram> => {
    const program = startProgram(t, '/usr/bin/script', ['-qfc', command, '/dev/null'], { input: '', env: { TERM: 'xterm-256color', ...env } })
    await program.printed(/pid \d+/)
    const [, pid] = /pid (\d+)/.exec(program.stdout) ?? []
    // script(1) gives it a session of its own, and the gateway outlives a terminal that is gone.
    t.after(() => { process.kill(Number(pid), 'SIGKILL') })
    return program
  }
  const ESC = '\u001b'
  const painted = await onTerminal({})
  await painted.printed(/ listening on http/)
  t.ok(painted.stdout.includes(`${ESC}[32mINFO ${ESC}[39m ${ESC}[36mstarted${ESC}[39m listening on `))
  const plain = await onTerminal({ NO_COLOR: '1' })
  await plain.printed(/ INFO {2}started listening on http/)
  t.notOk(plain.stdout.includes(ESC))
  await (await onTerminal({ LOG_FORMAT: 'json' })).printed(/"event":"started"/)
  await startCli(t, ['serve', '--config', file, '--port', '0'], { env: { LOG_FORMAT: 'pretty' } }).printed(/ INFO {2}started listening on http/)
  const wrong = await startCli(t, ['serve', '--config', file], { env: { LOG_FORMAT: 'xml' } }).ended
  t.match(wrong, { code: 78, stderr: /LOG_FORMAT: must be one of auto, json, pretty/ })
})
