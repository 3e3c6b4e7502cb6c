// What `npx postern demo` does where nothing of the repository is: the packed tarball in an empty folder,
// with npm and its registry as they are set up on this machine.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { findFreePort } from '../helpers/ports.js'
import { runProgram, startProgram, type RunningProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { until } from '../helpers/until.js'
import { commandsIn, runCommands } from './printed-commands.js'

/** Not below the repository, where npm would find its package.json. */
const folder = mkdtempSync(join(tmpdir(), 'postern-tarball-'))
t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })

/** How npm reaches its registry here. What else `npm test` tells its programs is about itself. */
const machine = Object.fromEntries(Object.entries(process.env).filter(([name]) =>
  /^(npm_config_(registry|cache|userconfig|globalconfig|cafile|ca|proxy|https_proxy|noproxy|strict_ssl)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i.test(name)
)) as Record<string, string>

const CLI = join(folder, 'node_modules/postern/dist/cli.js')

async function npm (t: Test, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(t, 'npm', args, { cwd: folder, env: machine })
  if (code !== 0) throw new Error(`npm ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function portFlags (): Promise<string[]> {
  const flags = ['--gateway-port', '--todo-port', '--authorization-server-port']
  return (await Promise.all(flags.map(async (flag) => [flag, String(await findFreePort())]))).flat()
}

/** Returns the names in a cache of the demo. */
function cached (cache: string): string[] {
  return readdirSync(join(cache, 'postern'))
}

function newCache (name: string): string {
  const cache = join(folder, name)
  mkdirSync(cache)
  return cache
}

async function startInstalled (t: Test, env: Record<string, string>): Promise<RunningProgram> {
  return startProgram(t, process.execPath, [CLI, 'demo', ...await portFlags()], { cwd: folder, env })
}

t.test('the tarball, installed in an empty folder', async (t) => {
  const [packed = ''] = JSON.parse(await npm(t, 'pack', ROOT, '--ignore-scripts', '--json', '--silent')).map((one: { filename: string }) => one.filename)
  await npm(t, 'install', `./${packed}`, '--prefix=.', '--prefer-offline', '--no-audit', '--no-fund')
  for (const name of ['oidc-provider', '@modelcontextprotocol']) t.notOk(existsSync(join(folder, 'node_modules', name)), `${name} is not installed with it`)

  const cache = newCache('cache')
  await t.test('npx postern demo says what it installs, once, and its commands work', async (t) => {
    const demo = startProgram(t, 'npx', ['postern', 'demo', ...await portFlags()], {
      cwd: folder, env: { ...machine, XDG_CACHE_HOME: cache, npm_config_prefer_offline: 'true' }
    })
    await demo.printed(/Stop with Ctrl\+C\.\n/)
    const [name = '', ...others] = cached(cache)
    t.match(name, /^demo-\d+\.\d+\.\d+-[0-9a-f]{12}$/)
    t.strictSame(others, [])
    t.ok(demo.stdout.startsWith('The demo needs an authorization server and an MCP server, which are not part of Postern.\n' +
      `Installing their 46 packages with npm, about 25 MB, once, into ${join(cache, 'postern', name)}\n\nPostern protects `))
    t.equal(statSync(join(cache, 'postern')).mode & 0o777, 0o700, 'nobody else may write there')
    const statuses = (await runCommands(t, commandsIn(demo.stdout))).map((response) => response.split('\n')[0])
    t.strictSame(statuses, ['HTTP/1.1 200 OK', 'HTTP/1.1 403 Forbidden', 'HTTP/1.1 200 OK'])
    demo.signal('SIGTERM')
    await demo.ended
    await until(() => !demo.isAlive(), 'nothing of it is left', { withinMs: 20_000 })
  })

  await t.test('the size is what it says', async (t) => {
    const { stdout } = await runProgram(t, 'du', ['-sm', cache])
    t.ok(Math.abs(parseInt(stdout) - 25) < 6, `${stdout} megabytes`)
  })

  await t.test('the second time it starts from there: no npm, no registry', async (t) => {
    const demo = await startInstalled(t, { PATH: '/nowhere', XDG_CACHE_HOME: cache })
    await demo.printed(/Stop with Ctrl\+C\.\n/)
    t.ok(demo.stdout.startsWith('\nPostern protects '))
    demo.signal('SIGTERM')
    t.match(await demo.ended, { code: 0, stderr: '' })
  })

  await t.test('a download that fails is one line that says what to do, and leaves nothing', async (t) => {
    const cache = newCache('failing')
    const [old, young] = ['unfinished-old', 'unfinished-young'].map((name) => join(cache, 'postern', name)) as [string, string]
    for (const path of [old, young]) mkdirSync(path, { recursive: true })
    chmodSync(join(cache, 'postern'), 0o700)
    utimesSync(old, 0, Date.now() / 1000 - 25 * 3600)
    const demo = await startInstalled(t, {
      XDG_CACHE_HOME: cache, npm_config_registry: 'http://127.0.0.1:1/', npm_config_cache: join(folder, 'no-npm-cache'), npm_config_fetch_retries: '0'
    })
    const { code, stderr } = await demo.ended
    t.equal(code, 1)
    t.match(stderr, /^postern: npm could not install what the demo needs \(code ECONNREFUSED, .*\)\. Nothing of it was kept\. Check the network, and the registry that `npm config get registry` names; then try again\n$/)
    t.strictSame(cached(cache), ['unfinished-young'], 'that of another demo stays, what was left long ago goes')
  })

  await t.test('Ctrl+C during the download ends it and npm, and leaves nothing', async (t) => {
    const cache = newCache('interrupted')
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    const asked = new Promise((resolve) => { silent.once('connection', resolve) })
    t.teardown(() => { silent.close() })
    await new Promise((resolve) => { silent.once('listening', resolve) })
    const demo = await startInstalled(t, {
      XDG_CACHE_HOME: cache,
      npm_config_registry: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`,
      npm_config_cache: join(folder, 'no-npm-cache')
    })
    await asked
    t.equal(cached(cache).length, 1)
    demo.signal('SIGINT')
    t.match(await demo.ended, { stderr: '' })
    await until(() => !demo.isAlive(), 'npm ends as well', { withinMs: 20_000 })
    t.strictSame(cached(cache), [])
  })

  await t.test('without npm it says so', async (t) => {
    const demo = await startInstalled(t, { PATH: dirname('/nowhere/npm'), XDG_CACHE_HOME: newCache('without-npm') })
    t.match(await demo.ended, { code: 1, stderr: /^postern: npm was not found\. .*: put npm on the PATH\n$/ })
  })

  await t.test('it runs nothing from a folder that others may write to', async (t) => {
    const cache = newCache('shared')
    mkdirSync(join(cache, 'postern'))
    chmodSync(join(cache, 'postern'), 0o777)
    const demo = await startInstalled(t, { PATH: '/nowhere', XDG_CACHE_HOME: cache })
    t.match(await demo.ended, { code: 1, stderr: /^postern: other users may write to \S+\/shared\/postern, from where the demo would run: name another folder in XDG_CACHE_HOME\n$/ })
  })
})
