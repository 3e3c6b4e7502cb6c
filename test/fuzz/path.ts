import { createServer, type Server } from 'node:http'
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
  /** A response that no message may cause. */
  | { readonly kind: 'failed', readonly status: number }

/** A client, a whole gateway and an upstream, all on loopback. */
export interface Path {
  send (sample: Sample): Promise<Outcome>
  close (): Promise<void>
}

const EMPTY_LISTS = { tools: [], resources: [], prompts: [], resourceTemplates: [] }

/** Starts an issuer, an upstream and a gateway. */
export async function startPath (): Promise<Path> {
  const key = await createSigningKey('ES256', 'fuzz')
  const received = new Map<string, Sample>()
  const issuerServer = createServer((incoming, response) => {
    response.setHeader('content-type', 'application/json')
    const metadata = { issuer, jwks_uri: `${issuer}/jwks` }
    response.end(JSON.stringify(incoming.url === '/jwks' ? { keys: [key.jwk] } : metadata))
  })
  const upstreamServer = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      received.set(String(incoming.headers['x-fuzz']), {
        headers: incoming.rawHeaders, body: Buffer.concat(chunks)
      })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: EMPTY_LISTS }))
    })
  })
  const [issuer, upstream] = [await listen(issuerServer), await listen(upstreamServer)]
  const resource = 'http://127.0.0.1:1/mcp'
  const config = configFor({
    resource, upstream: `${upstream}/mcp`, authorizationServers: [issuer], policy: FUZZED_POLICY
  })
  const gateway = await startServer(config, silentServices())
  const now = Math.floor(Date.now() / 1000)
  const exp = now + 86_400
  const token = await key.sign({ iss: issuer, aud: resource, sub: 'fuzz', scope: 'todo:read', iat: now, exp })
  const agent = new Agent({ connections: 16 })
  let count = 0

  return {
    async send ({ headers, body }) {
      const id = String(count++)
      const { statusCode, body: responseBody } = await request(`${gateway.url}/mcp`, {
        dispatcher: agent,
        method: 'POST',
        body,
        headers: [
          'Authorization', `Bearer ${token}`,
          'Content-Type', 'application/json',
          'Accept', 'application/json, text/event-stream',
          'X-Fuzz', id,
          ...headers
        ]
      })
      await responseBody.dump()
      const reached = received.get(id)
      received.delete(id)
      if (reached !== undefined) return { kind: 'reached', received: reached }
      if (statusCode === 400 || statusCode === 403) return { kind: 'refused' }
      return { kind: 'failed', status: statusCode }
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

/** Listens on a free loopback port; returns the origin. */
function listen (server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}
