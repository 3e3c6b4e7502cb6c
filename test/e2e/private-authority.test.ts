import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import t, { type Test } from 'tap'
import { createPrivateAuthority, type Certificate } from '../helpers/certificate.js'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { post, toolCall } from '../helpers/gateway.js'
import { sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { listeningUrl, startCli } from '../helpers/process.js'
import { startProxy } from '../helpers/proxy.js'
import { startUpstream } from '../helpers/upstream.js'

const authority = createPrivateAuthority()

/** Ends TLS in front of a port on loopback; returns the port that speaks TLS. */
async function startTls (t: Test, certificate: Certificate, port: number): Promise<number> {
  const server = createServer(certificate, (client) => {
    const inner = connect(port, '127.0.0.1')
    client.pipe(inner).pipe(client)
    for (const socket of [client, inner]) {
      socket.on('error', () => { client.destroy(); inner.destroy() })
      t.after(() => { socket.destroy() })
    }
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => { server.close() })
  return (server.address() as AddressInfo).port
}

interface Case {
  /** The status while nobody vouches for the certificate. */
  readonly status: 502 | 503
  readonly config: Readonly<Record<string, unknown>>
  readonly token: string
  readonly env?: Readonly<Record<string, string>>
}

const portOf = ({ origin }: { readonly origin: string }): number => Number(new URL(origin).port)

/** Has an issuer call itself by another URL. */
function rename (issuer: TestIssuer, url: string): Promise<string> {
  issuer.metadata = { issuer: url, jwks_uri: `${url}/jwks` }
  return issuer.token({ iss: url, aud: RESOURCE })
}

/** What is reached with TLS, and how Postern is led there. */
const CASES: Readonly<Record<string, (t: Test, issuer: TestIssuer) => Promise<Case>>> = {
  async 'the authorization server' (t, issuer) {
    const url = `https://localhost:${await startTls(t, authority.issue('localhost'), portOf(issuer))}`
    return { status: 503, config: { authorizationServers: [url] }, token: await rename(issuer, url) }
  },
  async 'an authorization server behind HTTPS_PROXY' (t, issuer) {
    const url = 'https://as.invalid'
    const proxy = await startProxy(t, await startTls(t, authority.issue('as.invalid'), portOf(issuer)))
    return {
      status: 503,
      config: { authorizationServers: [url] },
      token: await rename(issuer, url),
      env: { HTTPS_PROXY: proxy.url }
    }
  },
  async 'the proxy itself' (t, issuer) {
    const url = 'http://as.invalid'
    const proxy = await startProxy(t, portOf(issuer))
    const port = await startTls(t, authority.issue('localhost'), Number(new URL(proxy.url).port))
    return {
      status: 503,
      config: { authorizationServers: [{ issuer: url, allowHttp: true }] },
      token: await rename(issuer, url),
      env: { HTTP_PROXY: `https://127.0.0.1:${port}` }
    }
  },
  async 'the introspection endpoint' (t, issuer) {
    const exp = Math.floor(Date.now() / 1000) + 600
    const active = { active: true, iss: issuer.issuer, aud: RESOURCE, sub: 'alice', scope: 'todo:read', exp }
    issuer.routes.set('/introspect', (_request, response) => sendJson(response, active))
    const port = await startTls(t, authority.issue('localhost'), portOf(issuer))
    const introspection = {
      endpoint: `https://localhost:${port}/introspect`, clientId: 'postern', clientSecret: 'secret'
    }
    const config = { authorizationServers: [{ issuer: issuer.issuer, introspection }] }
    return { status: 503, config, token: 'opaque' }
  },
  async 'the upstream' (t, issuer) {
    const inner = await startUpstream(t)
    const port = await startTls(t, authority.issue('localhost'), portOf(inner))
    return {
      status: 502,
      config: { upstream: `https://localhost:${port}/mcp`, authorizationServers: [issuer.issuer] },
      token: await issuer.token({ aud: RESOURCE })
    }
  }
}

for (const [title, setUp] of Object.entries(CASES)) {
  t.test(`A5, F7: NODE_EXTRA_CA_CERTS names the authority that vouches for ${title}`, async (t) => {
    const issuer = await startIssuer(t, { audience: RESOURCE })
    const upstream = await startUpstream(t)
    const { status, config, token, env } = await setUp(t, issuer)
    const { directory, file } = writeConfig(t, todoConfig({ upstream: `${upstream.origin}/mcp`, ...config }))
    const certificate = join(directory, 'authority.pem')
    writeFileSync(certificate, authority.cert)
    async function call (more: Readonly<Record<string, string>>): Promise<{ status: number, event: string }> {
      const gateway = startCli(t, ['serve', '--config', file, '--port', '0'], { env: { ...env, ...more } })
      const { status } = await post(`${await listeningUrl(gateway)}/mcp`, token, toolCall('list_todos'))
      const [event] = await gateway.printed(/.*"event":"request".*\n/)
      return { status, event }
    }
    const unknown = await call({})
    t.equal(unknown.status, status)
    t.match(unknown.event, /"detail":"[^"]*\bUNABLE_TO_VERIFY_LEAF_SIGNATURE\b/, 'the log says why')
    t.equal((await call({ NODE_EXTRA_CA_CERTS: certificate })).status, 200)
  })
}
