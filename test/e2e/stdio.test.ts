import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import t, { type Test } from 'tap'
import { startAuthorizationServer } from '../../demo/authorization-server.js'
import { findFreePort } from '../helpers/ports.js'
import { installCommand, startProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { Missing } from '../interop/outcome.js'
import { openPrograms, PACKAGES, type PackageName } from '../interop/programs.js'

const PAGE = readFileSync(join(ROOT, 'docs/stdio.md'), 'utf8')

/** Returns the page's blocks in a language, in order. */
function blocksOf (language: string): string[] {
  return [...PAGE.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .flatMap(([, name, code = '']) => name === language ? [code] : [])
}

const [INSTALL = '', BRIDGE = '', SERVE = '', CALLS = '', SUPERGATEWAY = ''] = blocksOf('sh')
const [, OUTPUT = ''] = blocksOf('')
const [CONFIG = ''] = blocksOf('json')

interface Place {
  /** The folder that the page's user is in. */
  readonly folder: string
  readonly gateway: number
  readonly bridge: number
  /** Starts a shell there that runs commands of the page, on this test's ports. */
  run (script: string, env?: Readonly<Record<string, string>>): ReturnType<typeof startProgram>
  /** Replaces the page's ports by this test's. */
  local (text: string): string
}

/** Makes a folder in which the page's packages are installed and `postern` is a command. */
async function makePlace (t: Test, packages: readonly PackageName[]): Promise<Place | string> {
  const folder = t.testdir()
  const bin = join(folder, 'node_modules/.bin')
  mkdirSync(bin, { recursive: true })
  const programs = openPrograms(AbortSignal.timeout(180_000))
  try {
    for (const name of packages) {
      const command = name === 'server-filesystem' ? 'mcp-server-filesystem' : name
      const program = await programs.find(name)
      chmodSync(program, 0o755) // npm does so when it links a program
      symlinkSync(program, join(bin, command))
    }
  } catch (error) {
    if (error instanceof Missing) return error.message
    throw error
  }
  const path = installCommand(folder)
  const [gateway, bridge] = [await findFreePort(), await findFreePort()]
  const local = (text: string): string => text.replaceAll('3002', `${gateway}`).replaceAll('8080', `${bridge}`)
  return {
    folder,
    gateway,
    bridge,
    local,
    run: (script, env = {}) => startProgram(t, 'bash', ['-c', local(script)], {
      cwd: folder, env: { PATH: path, PORT: `${gateway}`, ...env }
    })
  }
}

/** Returns the addresses on which this machine listens on a port. */
function addressesOf (port: number): string[] {
  const lines = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n'))
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return lines.flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    return state === '0A' && local.endsWith(`:${hex}`) ? [local.slice(0, -5)] : []
  })
}
const LOOPBACK = ['0100007F']

t.test('docs/stdio.md: the list, an allowed call and a refused one, through a bridge', async (t) => {
  for (const name of ['mcp-proxy', 'server-filesystem'] as const) {
    const { name: published, version } = PACKAGES[name]
    t.ok(INSTALL.includes(` ${published}@${version}`), `the page installs ${published} ${version}`)
  }
  const place = await makePlace(t, ['mcp-proxy', 'server-filesystem'])
  if (typeof place === 'string') {
    t.pass('the bridge is tried', { skip: place })
    return
  }
  const { folder, gateway, bridge, run, local } = place
  const resource = `http://localhost:${gateway}/mcp`
  const authorizationServer = await startAuthorizationServer({
    port: 0, resources: [{ resource, scopes: ['files:read', 'files:write'] }]
  })
  t.after(() => authorizationServer.close())
  writeFileSync(join(folder, 'config.json'), local(CONFIG).replace('http://localhost:9000', authorizationServer.issuer))
  execFileSync('bash', ['-c', INSTALL.split('\n').slice(1).join('\n')], { cwd: folder })

  const postern = run(`${BRIDGE}\nwhile ! curl -s http://127.0.0.1:8080/ping; do sleep 0.1; done\n${SERVE}`)
  await postern.printed(/"event":"started"/)
  t.match(postern.stdout, /write_file +files:write/, 'check shows the policy')
  t.same(addressesOf(bridge), LOOPBACK, 'the bridge listens on loopback only')

  const TOKEN = await authorizationServer.issueToken({ resource, scopes: ['files:read'], subject: 'alice' })
  const { stdout, code } = await run(CALLS, { TOKEN }).ended
  t.equal(code, 0)
  t.equal(stdout, local(OUTPUT))
  t.equal(readFileSync(join(folder, 'files/hello.txt'), 'utf8'), 'hello from the file\n')

  t.match(await readWithRoots(resource, TOKEN, '/etc/passwd'), /Access denied/, 'no client chooses the folder')
})

/** Offers `/` as a root, as a client may, and reads a file. Returns the result. */
async function readWithRoots (resource: string, token: string, path: string): Promise<string> {
  const client = new Client({ name: 'client', version: '1' }, { capabilities: { roots: { listChanged: true } } })
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///' }] }))
  const headers = { authorization: `Bearer ${token}` }
  // Its optional members are not declared for `exactOptionalPropertyTypes`.
  const transport = new StreamableHTTPClientTransport(new URL(resource), { requestInit: { headers } })
  await client.connect(transport as Parameters<Client['connect']>[0])
  try {
    await client.sendRootsListChanged()
    return JSON.stringify(await client.callTool({ name: 'read_text_file', arguments: { path } }))
  } finally {
    await client.close()
  }
}

t.test('docs/stdio.md: the container starts the bridge as the page does on a machine', async (t) => {
  const [dockerfile = ''] = blocksOf('dockerfile')
  const [, command = '[]'] = /^CMD (.*)$/m.exec(dockerfile) ?? []
  const inContainer = (JSON.parse(command) as string[]).join(' ')
  const [, , onMachine = ''] = /^(.*\n)(node_modules[\s\S]*) &$/m.exec(BRIDGE) ?? []
  const expected = onMachine.replace('\\\n  ', '').replace('127.0.0.1', '0.0.0.0').replace(/files$/, '/files')
  t.equal(inContainer, expected)
  t.ok(dockerfile.includes(INSTALL.split('\n')[0] ?? '-'), 'and installs the same packages')
})

t.test('docs/stdio.md: supergateway listens on loopback with the file that the page shows', async (t) => {
  t.ok(PAGE.includes(` supergateway ${PACKAGES.supergateway.version} `))
  const place = await makePlace(t, ['supergateway', 'server-filesystem'])
  if (typeof place === 'string') {
    t.pass('the bridge is tried', { skip: place })
    return
  }
  const [file = ''] = blocksOf('js')
  writeFileSync(join(place.folder, 'loopback.mjs'), file)
  mkdirSync(join(place.folder, 'files'))
  const bridge = place.run(SUPERGATEWAY)
  await bridge.printed(/Listening on port/)
  t.same(addressesOf(place.bridge), LOOPBACK)
})
