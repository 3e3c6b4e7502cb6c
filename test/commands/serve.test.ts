import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { occupyPort } from '../helpers/ports.js'
import { listeningUrl, parseLog, runCli, startCli, type RunningProgram } from '../helpers/process.js'
import { startUpstream, type TestUpstream } from '../helpers/upstream.js'
import { RESOURCE, todoConfig, writeConfig } from './config-file.js'

interface Serving {
  readonly gateway: RunningProgram
  readonly url: string
  readonly issuer: TestIssuer
  readonly upstream: TestUpstream
  readonly file: string
  readonly directory: string
  /** The configuration in use, with more members. */
  config (more?: Readonly<Record<string, unknown>>): string
  call (token: string, path?: string): Promise<Response>
}

/** Starts `postern serve` on any port, between an issuer and an upstream. */
async function serve (t: Test, more: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const upstream = await startUpstream(t)
  const config = (others = {}): string =>
    JSON.stringify(todoConfig({ upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer], ...more, ...others }))
  const { file, directory } = writeConfig(t, config())
  const gateway = startCli(t, ['serve', '--config', file, '--port', '0'], { env })
  const url = await listeningUrl(gateway)
  return {
    gateway,
    url,
    issuer,
    upstream,
    file,
    directory,
    config,
    call: (token, path = '/mcp') => fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(toolCall('list_todos'))
    })
  }
}

/** Returns what the metadata calls the resource: each configuration here has a name of its own. */
async function resourceName (url: string): Promise<unknown> {
  const metadata = await (await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).json() as Record<string, unknown>
  return metadata['resource_name']
}

function named (name: string): { metadata: { resource_name: string } } {
  return { metadata: { resource_name: name } }
}

/** Swaps in another content at once, as careful editors do. */
function replace (file: string, content: string): void {
  writeFileSync(`${file}.next`, content)
  renameSync(`${file}.next`, file)
}

/** Matches the log's nth line about an event. */
function nth (event: string, count: number): RegExp {
  return new RegExp(`(?:[\\s\\S]*?"event":"${event}"){${count}}[^\\n]*\\n`)
}

/** Lets the upstream wait with its answer; resolves once a request is there. */
function holdAnswers (upstream: TestUpstream): { reached: Promise<void>, release (): void } {
  const { answer } = upstream
  const held: Array<() => void> = []
  let arrive: () => void
  const reached = new Promise<void>((resolve) => { arrive = resolve })
  upstream.answer = (...parts) => {
    held.push(() => { answer(...parts) })
    arrive()
  }
  return { reached, release: () => { for (const go of held) go() } }
}

t.test('it starts, answers its health, and serves', async (t) => {
  const { gateway, url, issuer, call } = await serve(t)
  t.equal(await (await fetch(`${url}/health`)).text(), '{"status":"healthy"}')
  t.equal((await call(await issuer.token())).status, 200)
  t.equal((await call('wrong')).status, 401)
  await gateway.printed(/"httpStatus":401/)
  t.ok(gateway.stdout.trimEnd().split('\n').every((line) => typeof JSON.parse(line).event === 'string'), 'every line is a JSON event')
  t.equal(gateway.stderr, '')
})

t.test('without a command it serves', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const url = await listeningUrl(startCli(t, ['--config', file, '--port', '0']))
  t.equal((await fetch(`${url}/health`)).status, 200)
})

t.test('a file replaced by rename takes over without a restart', async (t) => {
  const { gateway, url, file, config } = await serve(t, named('first'))
  t.equal(await resourceName(url), 'first')
  replace(file, config(named('second')))
  await gateway.printed(nth('reloaded', 1))
  t.equal(await resourceName(url), 'second')
})

t.test('a file written in place takes over, and of many quick changes the last one stays', async (t) => {
  const { gateway, url, file, config } = await serve(t, named('first'))
  for (let count = 0; count < 20; count++) writeFileSync(file, config(named(`change ${count}`)))
  for (let reloads = 1; await resourceName(url) !== 'change 19'; reloads++) await gateway.printed(nth('reloaded', reloads))
  t.equal(await resourceName(url), 'change 19')
})

t.test('a configuration swapped in through the symbolic links of Kubernetes takes over', async (t) => {
  const { config, issuer } = await serve(t)
  t.ok(issuer)
  const volume = t.testdir()
  const publish = (version: string): void => {
    mkdirSync(join(volume, version))
    writeFileSync(join(volume, version, 'config.json'), config(named(version)))
    symlinkSync(version, join(volume, '..data_tmp'))
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
  }
  publish('..2026_01')
  symlinkSync(join('..data', 'config.json'), join(volume, 'config.json'))
  const gateway = startCli(t, ['--config', join(volume, 'config.json'), '--port', '0'])
  const url = await listeningUrl(gateway)
  t.equal(await resourceName(url), '..2026_01')
  publish('..2026_02')
  await gateway.printed(nth('reloaded', 1))
  t.equal(await resourceName(url), '..2026_02')
  publish('..2026_03')
  await gateway.printed(nth('reloaded', 2))
  t.equal(await resourceName(url), '..2026_03', 'again and again')
})

t.test('a change that is wrong is reported with every problem, and the old configuration stays until a right one comes', async (t) => {
  const { gateway, url, file, config } = await serve(t, named('first'))
  replace(file, config({ ...named('second'), upstream: 'localhost:8080', policy: { tools: { 'a*': 'x', '*a': 'y' } } }))
  await gateway.printed(nth('reload failed', 1))
  const report = parseLog(gateway.stdout).find(({ event }) => event === 'reload failed')
  t.match(report, { level: 50, problems: [{ place: 'upstream' }, { place: /^policy\.tools/ }] })
  t.equal(await resourceName(url), 'first')

  replace(file, '{')
  await gateway.printed(nth('reload failed', 2))
  t.equal(await resourceName(url), 'first')

  replace(file, config(named('third')))
  await gateway.printed(nth('reloaded', 1))
  t.equal(await resourceName(url), 'third')
})

t.test('a policy takes effect by itself: who was allowed is refused, with no restart', async (t) => {
  const { gateway, issuer, file, config, call } = await serve(t)
  const token = await issuer.token({ scope: 'todo:read' })
  t.equal((await call(token)).status, 200)
  replace(file, config({ policy: { tools: { list_todos: 'todo:admin' } } }))
  await gateway.printed(nth('reloaded', 1))
  t.equal((await call(token)).status, 403)
})

t.test('a change of what only a restart can change is said to be one', async (t) => {
  const { gateway, file, config } = await serve(t)
  replace(file, config({ admin: { host: '127.0.0.1', port: 0 }, limits: { drainMs: 1, bodyBytes: 5000 } }))
  await gateway.printed(nth('reloaded', 1))
  const warnings = parseLog(gateway.stdout).filter(({ level }) => level === 40).map(({ message }) => message)
  t.same(warnings, ['admin', 'limits.drainMs'].map((place) => `${place}: takes effect at the next start only`))
})

t.test('a request under way finishes under the configuration it began with', async (t) => {
  const { gateway, issuer, upstream, file, config, call } = await serve(t)
  const { reached, release } = holdAnswers(upstream)
  const answer = call(await issuer.token())
  await reached
  replace(file, config({ policy: { tools: { list_todos: false } } }))
  await gateway.printed(nth('reloaded', 1))
  t.equal((await call(await issuer.token())).status, 403)
  release()
  t.equal((await answer).status, 200)
})

t.test('SIGTERM: nothing new is accepted, what is in flight is finished, exit code 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { gateway, url, issuer, upstream, call } = await serve(t)
    const { reached, release } = holdAnswers(upstream)
    const answer = call(await issuer.token())
    await reached
    gateway.signal(signal)
    await gateway.printed(nth('stopping', 1))
    await t.rejects(fetch(`${url}/health`), 'a new connection is refused')
    release()
    t.equal((await answer).status, 200)
    t.match(await gateway.ended, { code: 0, signal: null, stderr: '' })
    t.match(gateway.stdout, /"httpStatus":200/, 'and its audit event is written')
  }
})

t.test('streams that never end are ended at the drain deadline, and it still exits with code 0', async (t) => {
  const { gateway, issuer, upstream, call } = await serve(t, { limits: { drainMs: 100 } })
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
  }
  const response = await call(await issuer.token())
  gateway.signal('SIGTERM')
  t.match(await response.text(), /^data: /, 'the stream ends cleanly')
  t.match(await gateway.ended, { code: 0, signal: null })
})

t.test('a second signal ends it at once, with code 1', async (t) => {
  const { gateway, issuer, upstream, call } = await serve(t)
  const { reached } = holdAnswers(upstream)
  const answer = call(await issuer.token())
  answer.catch(() => {})
  await reached
  gateway.signal('SIGTERM')
  await gateway.printed(nth('stopping', 1))
  gateway.signal('SIGINT')
  t.match(await gateway.ended, { code: 1, signal: null })
  t.match(gateway.stdout, /second SIGINT, exiting/)
  await t.rejects(answer)
})

t.test('a port that is taken, or an address that is none of ours, is named, with exit code 1', async (t) => {
  const port = await occupyPort(t)
  const { file } = writeConfig(t, todoConfig())
  t.match(await runCli(t, ['--config', file, '--port', String(port)]), {
    code: 1, stdout: '', stderr: `postern: 127.0.0.1:${port} is taken. Choose another with --host and --port, HOST and PORT, or "admin" in the configuration\n`
  })
  t.match(await runCli(t, ['--config', file, '--port', '0', '--host', '192.0.2.1']), { code: 1, stderr: /^postern: 192\.0\.2\.1 is not an address of this machine\. / })
  const { file: other } = writeConfig(t, todoConfig({ admin: { host: '127.0.0.1', port } }))
  t.match(await runCli(t, ['--config', other, '--port', '0']), { code: 1, stdout: '', stderr: new RegExp(`^postern: 127\\.0\\.0\\.1:${port} is taken\\. `) })
})

t.test('LOG_LEVEL decides what is written', async (t) => {
  const { file } = writeConfig(t, todoConfig({ origins: ['*'] }))
  const levels = async (level: string): Promise<unknown[]> => {
    const gateway = startCli(t, ['--config', file, '--port', '0'], { env: { LOG_LEVEL: level } })
    await gateway.printed(/"level":40.*origins: /)
    gateway.signal('SIGTERM')
    const { code, stdout } = await gateway.ended
    t.equal(code, 0)
    return parseLog(stdout).map((line) => line['level'])
  }
  t.same(await levels('warn'), [40])
  t.ok((await levels('info')).includes(30))
})

t.test('no credential is in anything that is printed, whatever goes wrong', async (t) => {
  const secrets = { session: 'marked-session-key-0123456789abcdef', upstream: 'marked-upstream-key', client: 'marked-client-secret' }
  const { gateway, issuer, upstream, file, config, call } = await serve(t, {
    session: { key: secrets.session },
    upstreamHeaders: { 'x-api-key': secrets.upstream }
  }, { LOG_LEVEL: 'trace', SK_CLIENT_SECRET: secrets.client })
  const good = await issuer.token()
  const tokens = [good, await issuer.token({ aud: 'https://other.example' }), await issuer.token({ exp: 1 }), `${good}x`, 'marked-opaque-token']
  for (const token of tokens) await (await call(token)).arrayBuffer()
  await (await call(good, '/mcp?access_token=marked-query-token')).arrayBuffer()
  await (await call('marked not a token')).arrayBuffer()
  t.equal(upstream.received[0]?.headers['x-api-key'], secrets.upstream)
  upstream.answer = (request) => { request.socket.destroy() }
  await (await call(good)).arrayBuffer()
  replace(file, config({ session: { key: secrets.session, kez: 'marked-typo' }, upstreamHeaders: { 'x-api-key': `${secrets.upstream}\n` } }))
  await gateway.printed(nth('reload failed', 1))
  gateway.signal('SIGTERM')
  const { stdout, stderr } = await gateway.ended
  t.ok(parseLog(stdout).length > tokens.length)
  t.notMatch(stdout + stderr, /marked-/)
  for (const token of tokens) {
    for (const part of token.split('.')) t.notOk((stdout + stderr).includes(part), part.slice(0, 12))
  }
})
