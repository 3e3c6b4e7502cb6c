import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { todoConfig } from '../helpers/configuration.js'
import { findFreePort } from '../helpers/ports.js'
import { listeningUrl, parseLog, startCli } from '../helpers/process.js'
import { holdResponses, named, nth, replace, resourceName, serve } from './serving.js'

t.test('O2: a file replaced by rename takes over without a restart', async (t) => {
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

t.test('O2: a configuration swapped in through the symbolic links of Kubernetes takes over', async (t) => {
  const volume = t.testdir()
  const publish = (version: string): void => {
    mkdirSync(join(volume, version))
    writeFileSync(join(volume, version, 'config.json'), JSON.stringify(todoConfig(named(version))))
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

t.test('O2: SIGHUP stops nothing, and a change made before it takes over', async (t) => {
  const { gateway, url, file, config } = await serve(t, named('first'))
  gateway.signal('SIGHUP')
  replace(file, config(named('second')))
  gateway.signal('SIGHUP')
  await gateway.printed(nth('reloaded', 1))
  t.equal(await resourceName(url), 'second')
  t.notMatch(gateway.stdout, /"event":"stopping"/)
})

t.test('O2: a change that is wrong is reported with every problem, and the old configuration stays until a right one comes', async (t) => {
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

t.test('P10: a changed policy takes effect without a restart: who was allowed is refused', async (t) => {
  const { gateway, issuer, file, config, call } = await serve(t)
  const token = await issuer.token({ scope: 'todo:read' })
  t.equal((await call(token)).status, 200)
  replace(file, config({ policy: { tools: { list_todos: 'todo:admin' } } }))
  await gateway.printed(nth('reloaded', 1))
  t.equal((await call(token)).status, 403)
})

t.test('O2: the log says where the configuration has changed, and never what to', async (t) => {
  const { gateway, file, config, issuer } = await serve(t, { upstreamHeaders: { 'X-Key': 'SECRET-1' } })
  const policy = { tools: { list_todos: 'todo:read', 'new_*': 'todo:new' } }
  replace(file, config({ policy, upstreamHeaders: { 'X-Key': 'SECRET-2', 'X-Other': 'SECRET-3' }, authorizationServers: [issuer.issuer, 'https://new.example'] }))
  await gateway.printed(nth('reloaded', 1))
  t.match(parseLog(gateway.stdout).find(({ event }) => event === 'reloaded'), {
    added: ['authorizationServers["https://new.example"]', 'policy.tools["new_*"]', 'upstreamHeaders["X-Other"]'],
    removed: ['policy.tools.get_todo', 'policy.tools["*_todo"]'],
    changed: ['upstreamHeaders["X-Key"]']
  })
  replace(file, config({ policy, ...named('next') }))
  await gateway.printed(nth('reloaded', 2))
  t.match(parseLog(gateway.stdout).filter(({ event }) => event === 'reloaded').at(-1), { added: ['metadata.resource_name'] }, 'compared with the last one')
  t.notMatch(gateway.stdout, 'SECRET')
})

t.test('a changed option that only a restart applies is reported', async (t) => {
  const { gateway, file, config } = await serve(t)
  replace(file, config({ admin: { host: '127.0.0.1', port: 0 }, limits: { drainMs: 1, bodyBytes: 5000 } }))
  await gateway.printed(nth('reloaded', 1))
  const warnings = parseLog(gateway.stdout).filter(({ level }) => level === 40).map(({ message }) => message)
  t.same(warnings, ['admin', 'limits.drainMs'].map((place) => `${place}: takes effect only at the next start`))
})

t.test('O2: a request under way finishes under the configuration it began with', async (t) => {
  const { gateway, issuer, upstream, file, config, call } = await serve(t)
  const { reached, release } = holdResponses(upstream)
  const response = call(await issuer.token())
  await reached
  replace(file, config({ policy: { tools: { list_todos: false } } }))
  await gateway.printed(nth('reloaded', 1))
  t.equal((await call(await issuer.token())).status, 403)
  release()
  t.equal((await response).status, 200)
})

t.test('O8: reloads are counted, and whether the last one worked', async (t) => {
  const admin = await findFreePort()
  const { gateway, file, config } = await serve(t, { ...named('first'), admin: { port: admin } })
  const read = async (): Promise<string> => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  replace(file, config(named('second')))
  await gateway.printed(nth('reloaded', 1))
  t.match(await read(), /^postern_config_reloads_total\{outcome="ok"\} 1$/m)
  replace(file, config({ policy: 1 }))
  await gateway.printed(nth('reload failed', 1))
  const failed = await read()
  t.match(failed, /^postern_config_reloads_total\{outcome="failed"\} 1$/m)
  t.match(failed, /^postern_config_last_reload_successful 0$/m)
  t.match(failed, /^postern_build_info\{version="\d[^"]*",node="v\d+[^"]*"\} 1$/m)
})
