import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { startServer } from '../../src/server.js'
import { configFor } from '../helpers/configuration.js'
import { silentServices } from '../helpers/gateway.js'
import { createSigningKey } from '../helpers/keys.js'
import { FUZZED_POLICY, type Sample } from './message.js'

export type Outcome =
  | { readonly kind: 'refused' }
  | { readonly kind: 'reached', readonly received: Sample }
  /** An answer that no message may cause. */
  | { readonly kind: 'failed', readonly status: number }

/** A whole gateway between a client and an upstream, all on loopback. */
export interface Path {
  send (sample: Sample): Promise<Outcome>
  close (): Promise<void>
}

/** Starts issuer, upstream and gateway. */
export async function startPath (): Promise<Path> {
  const key = await createSigningKey('ES256', 'fuzz')
  const received = new Map<string, Sample>()
  const issuerServer = createServer((incoming, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(incoming.url === '/jwks' ? { keys: [key.jwk] } : { issuer, jwks_uri: `${issuer}/jwks` }))
  })
  const upstreamServer = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      received.set(String(incoming.headers['x-fuzz']), { headers: incoming.rawHeaders, body: Buffer.concat(chunks) })
      response.setHeader('content-type', 'application/json')
      response.end('{"jsonrpc":"2.0","id":1,"result":{"tools":[],"resources":[],"prompts":[],"resourceTemplates":[]}}')
    })
  })
  const [issuer, upstream] = await Promise.all([issuerServer, upstreamServer].map((server) => new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  }))) as [string, string]
  const resource = 'http://127.0.0.1:1/mcp'
  const config = configFor({
    resource, upstream: `${upstream}/mcp`, authorizationServers: [issuer], policy: FUZZED_POLICY
  })
  const gateway = await startServer(config, silentServices())
  const now = Math.floor(Date.now() / 1000)
  const token = await key.sign({ iss: issuer, aud: resource, sub: 'fuzz', scope: 'todo:read', iat: now, exp: now + 86_400 })
  const agent = new Agent({ connections: 16 })
  let count = 0

  return {
    async send ({ headers, body }) {
      const id = String(count++)
      const { statusCode, body: answer } = await request(`${gateway.url}/mcp`, {
        dispatcher: agent,
        method: 'POST',
        body,
        headers: ['Authorization', `Bearer ${token}`, 'Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream', 'X-Fuzz', id, ...headers]
      })
      await answer.dump()
      const reached = received.get(id)
      received.delete(id)
      if (reached !== undefined) return { kind: 'reached', received: reached }
      return statusCode === 400 || statusCode === 403 ? { kind: 'refused' } : { kind: 'failed', status: statusCode }
    },
    async close () {
      await gateway.stop()
      await agent.destroy()
      for (const server of [issuerServer, upstreamServer]) {
        server.close()
        server.closeAllConnections()
      }
    }
  }
}
