import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fastify } from 'fastify'
import t from 'tap'
import { ROOT } from './helpers/root.js'
import { startScene } from './helpers/scene.js'

const require = createRequire(import.meta.url)
const readJson = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))

interface LockedPackage {
  readonly engines?: { readonly node?: string }
}

/** Whether no part of a range of versions takes Node 20.19.0, the oldest one that Postern supports. */
function wantsNewerNode (range: string): boolean {
  const newer = /^(>=|\^|~)? *v?(2[1-9]|[3-9]\d|20\.(19\.[1-9]|[2-9]\d))/
  return range.split('||').every((part) => newer.test(part.trim()))
}

t.test('every locked package takes the oldest Node that Postern supports', async (t) => {
  const { engines } = readJson('package.json') as { engines: { node: string } }
  t.equal(engines.node, '>=20.19')
  const { packages } = readJson('package-lock.json') as { packages: Readonly<Record<string, LockedPackage>> }
  for (const [path, { engines }] of Object.entries(packages)) {
    if (engines?.node !== undefined) t.notOk(wantsNewerNode(engines.node), `${path}: ${engines.node}`)
  }
  for (const range of ['>=22', '>=22.0.0', '^22.13.0 || >=24']) t.ok(wantsNewerNode(range), range)
  for (const range of ['>=20', '^20.19.0 || >=22.12.0', '>= 0.6', '>=20.19']) t.notOk(wantsNewerNode(range), range)
})

// Fastify's simulated requests are the only user of `cookie`. `overrides` in package.json holds that package
// at its last version for Node 20, where light-my-request asks for the next one.
t.test('the gateway never loads light-my-request, which works with the older cookie', async (t) => {
  const loaded = (): string[] => Object.keys(require.cache).filter((file) => /[\\/](light-my-request|cookie)[\\/]/.test(file))
  const { gateway, token } = await startScene(t)
  t.equal((await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'ping' })).status, 200)
  t.equal((await gateway.post(undefined, { jsonrpc: '2.0', id: 1, method: 'ping' })).status, 401)
  t.strictSame(loaded(), [])

  const app = fastify().get('/', async ({ headers }) => headers.cookie)
  const { body } = await app.inject({ url: '/', cookies: { name: 'a value' } })
  t.equal(body, 'name=a%20value')
  t.ok(loaded().some((file) => file.includes('light-my-request')), 'the list of loaded files shows it')
})
