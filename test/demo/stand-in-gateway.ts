import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen, stopListening } from '../../demo/listen.js'

export interface StandInGateway {
  /** The MCP endpoint and resource identifier. */
  readonly url: string
  close (): Promise<void>
}

/**
 * Starts the least that a client sees of a protected MCP server: metadata, 401, 403 with
 * insufficient_scope, and the upstream's answer otherwise. For tests of the demo's parts alone.
 */
export async function startStandInGateway (options: { port?: number, issuer: string, upstream: string }): Promise<StandInGateway> {
  const keys = createRemoteJWKSet(new URL(`${options.issuer}/jwks`))
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => { response.writeHead(500).end(String(error)) })
  })
  const port = await listen(server, { host: '127.0.0.1', port: options.port ?? 0, purpose: 'gateway' })
  const url = `http://localhost:${port}/mcp`
  const metadata = `http://localhost:${port}/.well-known/oauth-protected-resource/mcp`

  async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === new URL(metadata).pathname) {
      return send(response, 200, { resource: url, authorization_servers: [options.issuer], scopes_supported: ['todo:read', 'todo:write'] })
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    const payload = token && await jwtVerify(token, keys, { issuer: options.issuer, audience: url }).then(({ payload }) => payload, () => undefined)
    if (!payload) return challenge(response, 401, 'scope="todo:read"')

    const body = await readText(request)
    const needed = neededScope(body)
    if (needed !== undefined && !String(payload['scope']).split(' ').includes(needed)) {
      return challenge(response, 403, `error="insufficient_scope", scope="${needed}"`)
    }
    await forward(request, response, body, payload.sub ?? '')
  }

  function challenge (response: ServerResponse, status: number, parameters: string): void {
    response.setHeader('www-authenticate', `Bearer ${parameters}, resource_metadata="${metadata}"`)
    send(response, status, { error: 'refused' })
  }

  async function forward (request: IncomingMessage, response: ServerResponse, body: string, subject: string): Promise<void> {
    const { host, connection, authorization, 'content-length': length, ...headers } = request.headers
    const upstream = await fetch(options.upstream, {
      method: request.method ?? 'POST',
      headers: { ...headers as Record<string, string>, 'x-postern-subject': encodeURIComponent(subject) },
      ...(request.method === 'POST' ? { body } : {})
    })
    response.writeHead(upstream.status, { 'content-type': upstream.headers.get('content-type') ?? 'text/plain' }).end(await upstream.text())
  }

  return { url, close: () => stopListening(server) }
}

function neededScope (body: string): string | undefined {
  const { method, params } = body === '' ? {} as Record<string, undefined> : JSON.parse(body)
  if (method !== 'tools/call') return undefined
  return ['list_todos', 'get_todo'].includes(params.name) ? 'todo:read' : 'todo:write'
}

async function readText (request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function send (response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
