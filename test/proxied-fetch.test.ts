import t from 'tap'
import { openFetch } from '../src/proxied-fetch.js'
import { loadConfig } from '../src/config/load.js'
import { ConfigError } from '../src/config/problem.js'
import { RESOURCE, todoConfig, writeConfig } from './helpers/configuration.js'
import { startIssuer } from './helpers/issuer.js'
import { runCli } from './helpers/process.js'
import { startProxy } from './helpers/proxy.js'

const GET = { redirect: 'manual', signal: AbortSignal.timeout(60_000) } as const

t.test('A5: proxies are used for their scheme, but not for loopback and what NO_PROXY names', async (t) => {
  const issuer = await startIssuer(t)
  const proxy = await startProxy(t, Number(new URL(issuer.origin).port))
  const fetch = await openFetch({ httpProxy: proxy.url, noProxy: 'direct.invalid, .inner.invalid' })
  const response = await fetch(new URL('http://as.invalid/jwks'), GET)
  t.equal(response.status, 200)
  await response.body?.cancel()
  const authorization = `Basic ${Buffer.from('user:s3cret').toString('base64')}`
  t.same(proxy.asked, [{ target: 'as.invalid:80', authorization }])

  const direct = [
    'http://direct.invalid/', 'http://sub.direct.invalid/', 'http://a.inner.invalid/', 'https://as.invalid/',
    'http://127.0.0.1:1/', 'http://127.9.9.9:1/', 'http://localhost:1/', 'http://as.localhost:1/', 'http://[::1]:1/'
  ]
  for (const url of direct) await t.rejects(fetch(new URL(url), GET), url)
  t.equal(proxy.asked.length, 1)
  t.equal(await openFetch({ noProxy: 'x' }), globalThis.fetch, 'without a proxy nothing is loaded')
})

t.test('the environment names the proxies, and a command uses them', async (t) => {
  const issuer = await startIssuer(t)
  const name = 'http://as.invalid'
  issuer.metadata = { issuer: name, jwks_uri: `${name}/jwks` }
  const proxy = await startProxy(t, Number(new URL(issuer.origin).port))
  const config = todoConfig({ authorizationServers: [{ issuer: name, allowHttp: true }] })
  const { file } = writeConfig(t, config)
  const token = await issuer.token({ iss: name, aud: RESOURCE })
  const args = ['explain', '--config', file, '--tool', 'get_todo', '--token', token]
  for (const variable of ['HTTP_PROXY', 'http_proxy']) {
    const before = proxy.asked.length
    t.match(await runCli(t, args, { env: { [variable]: proxy.url } }), { code: 0, stdout: /^token of alice/ })
    t.ok(proxy.asked.length > before, variable)
  }
  const unreachable = await runCli(t, args, { env: { HTTP_PROXY: 'http://user:s3cret@127.0.0.1:1' } })
  t.match(unreachable, { code: 1, stdout: /cannot be checked/ })
  t.notMatch(JSON.stringify(unreachable), /s3cret/)
})

t.test('a proxy that is no URL is a problem of the configuration, and is not quoted', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const wrong = [
    'proxy:3128', 'socks5://proxy:1080', 'http://', 'http://u:s3cret@p/x', 'http://p:x', 'http://u:s3cret@p:99999',
    'http://u:s3cret@300.0.0.1', 'http://u:s3cret%zz@p'
  ]
  for (const value of wrong) {
    const error = await loadConfig({ file, env: { HTTPS_PROXY: value } })
      .then(() => undefined, (error: unknown) => error)
    t.type(error, ConfigError, value)
    t.equal((error as Error).message, 'HTTPS_PROXY: must be an http:// or https:// URL without a path')
  }
  const env = { HTTPS_PROXY: ' "http://p:1" ', https_proxy: 'http://q', NO_PROXY: '*' }
  const { proxies } = await loadConfig({ file, env })
  t.same(proxies, { httpsProxy: 'http://q', noProxy: '*' })
  t.notOk('proxies' in await loadConfig({ file, env: { NO_PROXY: '*', HTTP_PROXY: '' } }))
})
