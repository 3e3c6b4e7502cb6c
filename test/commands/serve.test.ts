import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createSelfSignedCertificate } from '../helpers/certificate.js'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { post, toolCall } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { findFreePort, occupyPort } from '../helpers/ports.js'
import { listeningUrl, parseLog, runCli, startCli } from '../helpers/process.js'
import { until } from '../helpers/until.js'
import { startUpstream } from '../helpers/upstream.js'
import { holdResponses, nth, replace, serve } from './serving.js'

t.test('it starts, answers its health, and serves', async (t) => {
  const { gateway, url, issuer, call } = await serve(t)
  t.equal(await (await fetch(`${url}/health`)).text(), '{"status":"healthy"}')
  t.equal((await call(await issuer.token())).status, 200)
  t.equal((await call('wrong')).status, 401)
  await gateway.printed(/"httpStatus":401/)
  t.ok(gateway.stdout.trimEnd().split('\n').every((line) => typeof JSON.parse(line).event === 'string'), 'every line is a JSON event')
  t.equal(gateway.stderr, '')
})

t.test('a file that changes while the start fails changes nothing about the failure', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  // The host is looked up when the file is watched already.
  const slowFailure = `data:text/javascript,${encodeURIComponent(`
    import dns from 'node:dns'
    import { appendFileSync } from 'node:fs'
    dns.lookup = (hostname, options, callback) => {
      appendFileSync(${JSON.stringify(file)}, ' ')
      setTimeout(callback ?? options, 500, Object.assign(new Error('not found'), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname }))
    }`)}`
  const { code, stderr } = await runCli(t, ['serve', '--config', file, '--host', 'postern.invalid', '--port', '0'], { env: { NODE_OPTIONS: `--import ${slowFailure}` } })
  t.equal(code, 1)
  t.match(stderr, /^postern: postern\.invalid is not a host that can be resolved\. [^\n]*\n$/)
})

t.test('without a command it serves', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const url = await listeningUrl(startCli(t, ['--config', file, '--port', '0']))
  t.equal((await fetch(`${url}/health`)).status, 200)
})

t.test('P1: without a file, flags say what is protected, and the rules hold', async (t) => {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const upstream = await startUpstream(t)
  const flags = ['--resource', RESOURCE, '--upstream', `${upstream.origin}/mcp`, '--issuer', issuer.issuer, '--tool', 'list_*=todo:read', '--tool', 'delete_todo=todo:read todo:admin']
  const gateway = startCli(t, ['serve', ...flags, '--port', '0'], { cwd: t.testdir() })
  const url = await listeningUrl(gateway)
  const token = await issuer.token({ scope: 'todo:read' })
  const call = async (tool: string, credentials?: string): Promise<number> => (await post(`${url}/mcp`, credentials, toolCall(tool))).status
  t.equal(await call('list_todos', token), 200)
  t.equal(await call('delete_todo', token), 403, 'all scopes of a rule are needed')
  t.equal(await call('other', token), 403, 'what no rule names is denied')
  t.equal(await call('list_todos'), 401)
  t.match(parseLog(gateway.stdout).find(({ event }) => event === 'started'), { source: 'options of the command line', resources: [RESOURCE] })
  gateway.signal('SIGHUP') // there is no file to look at
  t.equal(await call('list_todos', token), 200)
})

t.test('F7: an upstream whose certificate is vouched for by NODE_EXTRA_CA_CERTS is used', async (t) => {
  const certificate = createSelfSignedCertificate()
  const upstream = createServer(certificate, (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
  await new Promise<void>((resolve) => { upstream.listen(0, '127.0.0.1', resolve) })
  t.after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const directory = mkdtempSync(join(tmpdir(), 'postern-'))
  t.after(() => { rmSync(directory, { recursive: true }) })
  const authority = join(directory, 'authority.pem')
  writeFileSync(authority, certificate.cert)
  const { issuer, call } = await serve(t, { upstream: `https://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp` }, { NODE_EXTRA_CA_CERTS: authority })
  const response = await call(await issuer.token())
  t.equal(response.status, 200)
  t.same(await response.json(), { jsonrpc: '2.0', id: 1, result: {} })
})

t.test('O3: SIGTERM: not ready at once, then nothing new is accepted, what is in flight is finished, exit code 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const admin = await findFreePort()
    const { gateway, url, issuer, upstream, call } = await serve(t, { admin: { host: '127.0.0.1', port: admin } })
    const { reached, release } = holdResponses(upstream)
    const response = call(await issuer.token())
    await reached
    gateway.signal(signal)
    await gateway.printed(nth('stopping', 1))
    const ready = await fetch(`http://127.0.0.1:${admin}/readyz`)
    t.equal(ready.status, 503)
    t.match(await ready.json(), { status: 'not ready', servers: [{ ready: true }], parts: [{ name: 'process', ready: false, state: 'stopping' }] })
    await until(() => fetch(`${url}/health`).then(() => false, () => true), 'a new connection is refused')
    release()
    t.equal((await response).status, 200)
    t.match(await gateway.ended, { code: 0, signal: null, stderr: '' })
    t.match(gateway.stdout, /"httpStatus":200/, 'and its audit event is written')
  }
})

t.test('O3: streams that never end are ended at the drain deadline, and it still exits with code 0', async (t) => {
  const { gateway, issuer, upstream, call } = await serve(t, { limits: { drainMs: 100 } })
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
  }
  const response = await call(await issuer.token())
  gateway.signal('SIGTERM')
  t.match(await response.text(), /^data: /, 'the stream ends cleanly')
  t.match(await gateway.ended, { code: 0, signal: null })
})

t.test('O3: a second signal ends it at once, with code 1', async (t) => {
  const { gateway, url, issuer, upstream, call } = await serve(t)
  const { reached } = holdResponses(upstream)
  const response = call(await issuer.token())
  response.catch(() => {})
  await reached
  gateway.signal('SIGTERM')
  await gateway.printed(nth('stopping', 1))
  // A round trip: it has heard that its line is written, and can write the next one at once.
  t.equal((await fetch(`${url}/health`)).status, 200)
  gateway.signal('SIGINT')
  t.match(await gateway.ended, { code: 1, signal: null })
  t.match(gateway.stdout, /second SIGINT, exiting/)
  await t.rejects(response)
})

for (const signal of ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT'] as const) {
  t.test(`O3: ${signal} ends the process: a crash in native code is not an endless loop`, async (t) => {
    const { file } = writeConfig(t, todoConfig())
    const gateway = startCli(t, ['--config', file, '--port', '0'])
    await listeningUrl(gateway)
    gateway.signal(signal)
    t.match(await gateway.ended, { code: null, signal })
  })
}

t.test('O4: a call that is under way when the process dies is in the log', async (t) => {
  const { gateway, issuer, upstream, call } = await serve(t)
  const { reached } = holdResponses(upstream)
  const response = call(await issuer.token())
  response.catch(() => {})
  await reached
  await gateway.printed(/"event":"request open"/)
  gateway.signal('SIGKILL')
  t.match(parseLog((await gateway.ended).stdout).at(-1), {
    event: 'request open', decision: 'allow', subject: 'alice', client: { method: 'tools/call', target: 'list_todos' }
  })
  await t.rejects(response)
})

t.test('a port that is taken, or an address of another machine, is named, with exit code 1', async (t) => {
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
  const levels = async (level: string): Promise<number[]> => {
    const gateway = startCli(t, ['--config', file, '--port', '0'], { env: { LOG_LEVEL: level } })
    await gateway.printed(/"level":40.*origins: /)
    gateway.signal('SIGTERM')
    const { code, stdout } = await gateway.ended
    t.equal(code, 0)
    return parseLog(stdout).map((line) => Number(line['level']))
  }
  t.equal(Math.min(...await levels('warn')), 40)
  t.equal(Math.min(...await levels('info')), 30)
})

t.test('O5: no credential is in anything that is printed, whatever goes wrong', async (t) => {
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
