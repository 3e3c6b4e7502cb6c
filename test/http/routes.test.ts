import { METHODS } from 'node:http'
import t from 'tap'
import { buildApp } from '../../src/http/app.js'
import { configFor, UNREACHABLE_SERVER } from '../helpers/configuration.js'
import { silentServices, startConfigured } from '../helpers/gateway.js'
import { send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

/** CONNECT has no path, and Node answers it by closing the connection. */
const ALL_METHODS = METHODS.filter((method) => method !== 'CONNECT')
const PRM = '/.well-known/oauth-protected-resource'
const ASM = '/.well-known/oauth-authorization-server'

interface Case {
  readonly name: string
  readonly resources: readonly string[]
  /**
   * What GET and HEAD may read without credentials. The authorization server is not there, so its mirror
   * answers 502.
   */
  readonly open: Readonly<Record<string, number>>
  readonly guarded: readonly string[]
  readonly absent: readonly string[]
}

const CASES: readonly Case[] = [
  {
    name: 'a resource at /mcp',
    resources: ['http://127.0.0.1:1/mcp'],
    open: { '/health': 200, [PRM]: 200, [`${PRM}/mcp`]: 200, [ASM]: 502, [`${ASM}/mcp`]: 502 },
    guarded: ['/mcp', '/mcp/', '/mcp/sub', '/mcp//sub', '/mcp/.well-known/oauth-protected-resource', '/mcp/health', '/mcp?health', '/mcp/%2e%2e/health', `/mcp/${'x'.repeat(500)}`],
    absent: ['/', '/mcpx', '/MCP', '/health/', '/healthz', '/other', '/.well-known', '/.well-known/', '/.well-known/mcp', '/.well-known/openid-configuration', `${PRM}/other`, `${PRM}/mcp/sub`, `${PRM}x`, '//mcp', '/.well-knownx']
  },
  {
    name: 'a resource at the root, written without a slash',
    resources: ['http://127.0.0.1:1'],
    open: { '/health': 200, [PRM]: 200, [ASM]: 502 },
    guarded: ['/', '/mcp', '/health/', '/health/x', '/healthz', '/.well-known', '/.well-known/openid-configuration', `${PRM}/mcp`, '//', '/?health'],
    absent: []
  },
  {
    name: 'a resource at the root, written with a slash',
    resources: ['http://127.0.0.1:1/'],
    open: { '/health': 200, [PRM]: 200, [ASM]: 502 },
    guarded: ['/', '/mcp', '/.well-known/openid-configuration'],
    absent: []
  },
  {
    name: 'a resource whose path ends with a slash',
    resources: ['http://127.0.0.1:1/a/b/'],
    open: { '/health': 200, [PRM]: 200, [`${PRM}/a/b/`]: 200, [`${PRM}/a/b`]: 200, [ASM]: 502, [`${ASM}/a/b/`]: 502, [`${ASM}/a/b`]: 502 },
    guarded: ['/a/b', '/a/b/', '/a/b/c'],
    absent: ['/', '/a', '/a/', '/a/bc', `${PRM}/a`]
  },
  {
    name: 'several resources, one under another',
    resources: ['http://127.0.0.1:1/a', 'http://127.0.0.1:1/a/b', 'http://127.0.0.1:1/c'],
    open: { '/health': 200, [`${PRM}/a`]: 200, [`${PRM}/a/b`]: 200, [`${PRM}/c`]: 200, [`${ASM}/a/b`]: 502 },
    guarded: ['/a', '/a/', '/a/x', '/a/b', '/a/b/', '/a/b/x', '/a/bx', '/c', '/c/a/b'],
    absent: ['/', '/b', '/ab', PRM, ASM, `${PRM}/b`]
  },
  {
    name: 'several resources, one at the root',
    resources: ['http://127.0.0.1:1/', 'http://127.0.0.1:1/a'],
    open: { '/health': 200, [PRM]: 200, [`${PRM}/a`]: 200, [ASM]: 502, [`${ASM}/a`]: 502 },
    guarded: ['/', '/a', '/a/', '/ab', '/b', '/.well-known/x'],
    absent: []
  }
]

for (const { name, resources, open, guarded, absent } of CASES) {
  t.test(`R1, R5: ${name}: without credentials only health and metadata answer, whatever the HTTP method`, async (t) => {
    const { url } = await startConfigured(
      t, { servers: resources.map((resource) => ({ resource, ...UNREACHABLE_SERVER })) }
    )
    for (const [path, status] of Object.entries(open)) {
      const get = await send(url, { target: path })
      const head = await send(url, { method: 'HEAD', target: path })
      t.equal(get.status, status, `GET ${path}`)
      t.equal(head.status, status, `HEAD ${path}`)
      t.equal(head.headers['content-length'], get.headers['content-length'], `HEAD ${path} names the same length`)
      t.equal(head.body, '', `HEAD ${path} has no body`)
    }
    const isRoot = resources.some((resource) => new URL(resource).pathname === '/')
    const surprises: string[] = []
    const expectStatus = async (wanted: number, method: string, path: string): Promise<void> => {
      const { status } = await send(url, { method, target: path })
      if (status !== wanted) surprises.push(`${method} ${path}: ${status} instead of ${wanted}`)
    }
    for (const method of ALL_METHODS) {
      for (const path of guarded) await expectStatus(401, method, path)
      for (const path of absent) await expectStatus(404, method, path)
      if (method === 'GET' || method === 'HEAD') continue
      for (const path of Object.keys(open)) {
        await expectStatus(method === 'OPTIONS' && path !== '/health' ? 204 : isRoot ? 401 : 404, method, path)
      }
    }
    t.same(surprises, [])
  })
}

t.test('R5: every route that is registered is public by name or refuses who has no credentials', async (t) => {
  const file = { servers: ['http://127.0.0.1:1/a', 'http://127.0.0.1:1/a/b/', 'http://127.0.0.1:1/'].map((resource) => ({ resource, ...UNREACHABLE_SERVER })) }
  const app = await buildApp(configFor(file), silentServices())
  t.after(() => app.close())
  const { url } = await startConfigured(t, file)
  const routes = readRoutes(app.printRoutes({ commonPrefix: false }))
  t.ok(routes.length > 20, 'the routes were read')
  for (const { method, path } of routes) {
    const isPublic = path === '/health' || /^\/\.well-known\/oauth-(protected-resource|authorization-server)(\/|\/a|\/a\/b\/?)?$/.test(path)
    if (isPublic && ['GET', 'HEAD', 'OPTIONS'].includes(method)) continue
    const at = path.replace('*', '/x').replace('//', '/')
    t.equal((await send(url, { method, target: at })).status, 401, `${method} ${at}`)
  }
})

t.test('a request target that is no path is refused before anything else', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/', ...UNREACHABLE_SERVER })
  for (const path of ['/%', '/%zz', '/%c3%28']) t.equal((await send(url, { target: path })).status, 400, path)
  t.equal((await send(url, { method: 'OPTIONS', target: '*' })).status, 401)
  t.equal((await send(url, { target: 'http://127.0.0.1:1/x' })).status, 401)
})

t.test('R5: an absent path is answered in JSON', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const { headers, body } = await send(url, { target: '/other' })
  t.match(headers['content-type'], /^application\/json/)
  t.match(JSON.parse(body), { error: 'not_found' })
  t.notOk(headers['www-authenticate'])
})

t.test('an HTTP method without meaning is refused with 405 to those with credentials', async (t) => {
  const { send, upstream } = await startScene(t)
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
    const response = await send({ method, target: '/mcp' })
    t.equal(response.status, 405, method)
    t.equal(response.headers.allow, 'GET, HEAD, POST, DELETE, OPTIONS')
  }
  t.equal(upstream.received.length, 0)
})

/** Reads the tree that Fastify prints. */
function readRoutes (tree: string): { method: string, path: string }[] {
  const prefixes: string[] = []
  return tree.split('\n').filter((line) => line.trim() !== '').flatMap((line) => {
    const depth = line.search(/[├└]/) / 4
    const [, part = '', methods = ''] = /── (\S+)(?: \((.*)\))?$/.exec(line) ?? []
    prefixes.length = depth
    prefixes.push(part)
    const path = prefixes.join('')
    return methods === '' ? [] : methods.split(', ').map((method) => ({ method, path }))
  })
}
