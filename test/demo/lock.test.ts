import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { renderDemoLock, renderDemoManifest } from '../../tools/demo-lock.js'
import { ROOT } from '../helpers/root.js'

const REMEDY = 'run npm run generate, and commit what it writes'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Lock {
  readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const rootLock = read('package-lock.json')
const manifest = read('demo/package.json')
const lock = read('demo/package-lock.json')

t.test('the demo\'s dependencies are those of the root\'s lock file, in exactly these versions', async (t) => {
  t.equal(manifest, renderDemoManifest(manifest, rootLock), REMEDY)
  t.equal(lock, renderDemoLock(manifest, rootLock), REMEDY)
  const { packages } = JSON.parse(lock) as Lock
  const { packages: all } = JSON.parse(rootLock) as Lock
  for (const [path, { version, integrity, resolved }] of Object.entries(packages)) {
    if (path === '') continue
    t.match({ version, integrity }, { version: all[path]?.['version'], integrity: /^sha512-/ }, path)
    t.equal(integrity, all[path]?.['integrity'], path)
    t.equal(resolved, undefined, `${path} names no registry`)
  }
})

t.test('another version in the root\'s lock file shows', async (t) => {
  const other = rootLock.replace(/("node_modules\/koa": \{\n\s+"version": ")[^"]+/, '$10.0.1')
  t.not(other, rootLock)
  t.not(renderDemoLock(manifest, other), lock)
  t.throws(() => renderDemoLock(manifest, rootLock.replace('"node_modules/koa":', '"node_modules/koala":')), /has no koa for node_modules\/oidc-provider/)
})

t.test('the demo imports only what its manifest names, and all of it', async (t) => {
  const { dependencies } = JSON.parse(manifest) as { dependencies: object }
  const files = readdirSync(join(ROOT, 'demo'), { recursive: true, encoding: 'utf8' }).filter((file) => /^(?!dist|node_modules).*(?<!\.d)\.ts$/.test(file))
  t.ok(files.length > 10, `${files.length} files`)
  const imported = files.flatMap((file) => [...read(join('demo', file)).matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name = '']) => name))
  t.strictSame([...new Set(imported)].filter((name) => name !== 'node').sort(), Object.keys(dependencies))
})

t.test('nothing of it is a dependency of the gateway', async (t) => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object }
  t.strictSame(Object.keys(dependencies).filter((name) => manifest.includes(`"${name}"`)), [])
})
