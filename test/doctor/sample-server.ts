import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, jwtVerify } from 'jose'
import type { Test } from 'tap'
import { sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'

/** What a server can do wrong. Without a defect it passes every check. */
export type Defect =
  | 'redirects' | 'no-challenge' | 'malformed-challenge' | 'two-challenges' | 'error-without-token'
  | 'no-scope' | 'offline-access' | 'text-body'
  | 'get-open' | 'head-open' | 'delete-open' | 'open' | 'exempts-well-known'
  | 'accepts-any-token' | 'accepts-basic' | 'reads-query' | 'case-sensitive' | 'first-header-counts'
  | 'last-header-counts' | 'no-invalid-token'
  | 'signature-unchecked' | 'accepts-none' | 'any-audience' | 'expired-accepted'
  | 'no-metadata' | 'metadata-protected' | 'root-metadata-only' | 'no-root-metadata' | 'advertises-nothing'
  | 'advertises-nowhere' | 'two-documents'
  | 'metadata-as-text' | 'metadata-without-cors' | 'metadata-without-head' | 'metadata-too-large'
  | 'origin-unchecked' | 'preflight-protected' | 'preflight-star' | 'refusals-without-cors'
  | 'cors-with-credentials'
  | 'headers-unchecked' | 'mismatch-without-code' | 'batches' | 'duplicates' | 'any-tool-succeeds'
  | 'unknown-tool-401' | 'step-up' | 'incomplete-step-up' | 'step-up-in-body'
  | 'legacy' | 'streams' | 'echoes-token'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A protected MCP server and its authorization server, correct except for the defects. */
export interface SampleServer {
  readonly url: string
  readonly origin: string
  readonly issuer: TestIssuer
  /** The protected resource metadata; tests may change it. */
  metadata: Record<string, unknown>
  readonly received: Received[]
  /** An access token for this server. */
  token (claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

interface Exchange {
  readonly server: SampleServer
  readonly has: (defect: Defect) => boolean
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly body: string
}

export const SESSION = 'session-1'
const METADATA = '/.well-known/oauth-protected-resource'
const ALLOWED_HEADERS = 'Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name'

/** Starts both and stops them after the test. */
export async function startSampleServer (t: Test, defects: readonly Defect[] = []): Promise<SampleServer> {
  const issuer = await startIssuer(t)
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      server.received.push({
        method: request.method ?? '', url: request.url ?? '', headers: request.headers, body
      })
      const url = new URL(request.url ?? '', server.origin)
      const has = (defect: Defect): boolean => defects.includes(defect)
      answer({ server, has, request, response, url, body })
        .catch((error: unknown) => response.destroy(error as Error))
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise<void>((resolve) => {
    http.close(() => resolve())
    http.closeAllConnections()
  }))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const url = `${origin}/mcp`
  const server: SampleServer = {
    url,
    origin,
    issuer,
    metadata: {
      resource: url,
      authorization_servers: [issuer.issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read', 'write']
    },
    received: [],
    token: (claims, header) => issuer.token({ aud: url, ...claims }, { typ: 'at+jwt', ...header })
  }
  completeIssuer(issuer)
  return server
}

/** What clients need beyond what a resource server does. */
function completeIssuer (issuer: TestIssuer): void {
  Object.assign(issuer.metadata, {
    authorization_endpoint: `${issuer.origin}/authorize`,
    registration_endpoint: `${issuer.origin}/register`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true
  })
  issuer.routes.set('/.well-known/oauth-authorization-server', (_request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    sendJson(response, issuer.metadata)
  })
  issuer.routes.set('/token', (_request, response) => {
    sendStatus(response, 204, {
      'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type'
    })
  })
}

async function answer (exchange: Exchange): Promise<void> {
  const { has, request, response, url } = exchange
  if (url.pathname === '/health') return sendJson(response, { status: 'healthy' })
  if (url.pathname.startsWith(METADATA)) return answerMetadata(exchange)
  if (has('exempts-well-known') && url.href.includes('.well-known')) {
    return sendJson(response, { jsonrpc: '2.0', id: 1, result: {} })
  }
  if (url.pathname !== '/mcp') return sendJson(response, { error: 'not_found' }, 404)
  if (has('redirects')) return sendStatus(response, 307, { location: '/mcp/' })
  if (request.method === 'OPTIONS' && !has('preflight-protected')) return answerPreflight(exchange)
  if (isForeign(exchange)) return sendJson(response, { error: 'origin_not_allowed' }, 403)
  if (request.headers.origin !== undefined && !has('refusals-without-cors')) {
    response.setHeader('access-control-allow-origin', request.headers.origin)
    response.setHeader('access-control-expose-headers', 'WWW-Authenticate')
  }
  const isOpen = has('open') || has(`${(request.method ?? '').toLowerCase()}-open` as Defect)
  const credentials = isOpen ? 'accepted' : await authenticate(exchange)
  if (credentials !== 'accepted') return refuse(exchange, credentials)
  if (request.method === 'POST') return answerMessage(exchange)
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  if (request.method !== 'GET') response.end()
}

function answerMetadata ({ server, has, request, response, url }: Exchange): void {
  const isRoot = url.pathname === METADATA
  if (has('no-metadata') || (isRoot ? has('no-root-metadata') : has('root-metadata-only'))) {
    return sendJson(response, { error: 'not_found' }, 404)
  }
  if (has('metadata-protected')) return sendJson(response, { error: 'missing_token' }, 401)
  if (request.method === 'HEAD' && has('metadata-without-head')) return sendStatus(response, 405)
  if (!has('metadata-without-cors')) response.setHeader('access-control-allow-origin', '*')
  const document = {
    ...server.metadata,
    ...has('metadata-too-large') ? { padding: 'x'.repeat(1_100_000) } : {},
    ...has('two-documents') && isRoot ? { scopes_supported: ['admin'] } : {}
  }
  response.writeHead(200, { 'content-type': has('metadata-as-text') ? 'text/plain' : 'application/json' })
  response.end(JSON.stringify(document))
}

function answerPreflight ({ has, request, response }: Exchange): void {
  const origin = request.headers.origin ?? ''
  const isKnown = isOwn(request)
  response.writeHead(204, {
    ...isKnown || has('cors-with-credentials') ? { 'access-control-allow-origin': origin } : {},
    ...has('cors-with-credentials') ? { 'access-control-allow-credentials': 'true' } : {},
    'access-control-allow-headers': has('preflight-star') ? '*' : ALLOWED_HEADERS
  }).end()
}

function isOwn ({ headers }: IncomingMessage): boolean {
  return headers.origin === `http://${headers.host}`
}

function isForeign ({ has, request }: Exchange): boolean {
  return request.headers.origin !== undefined && !isOwn(request) && !has('origin-unchecked')
}

type Credentials = 'accepted' | 'missing' | 'invalid' | 'malformed'

async function authenticate ({ server, has, request, url }: Exchange): Promise<Credentials> {
  const values = request.rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'authorization'
  )
  if (values.length > 1 && !has('first-header-counts') && !has('last-header-counts')) return 'malformed'
  const inQuery = has('reads-query') ? url.searchParams.get('access_token') : null
  const inHeader = has('last-header-counts') ? values.at(-1) : values[0]
  const value = inHeader ?? (inQuery === null ? '' : `Bearer ${inQuery}`)
  if (has('accepts-basic') && value.startsWith('Basic ')) return 'accepted'
  const match = (has('case-sensitive') ? /^Bearer (.+)$/ : /^bearer (.+)$/i).exec(value)
  if (match === null) return 'missing'
  return has('accepts-any-token') || await isGood(server, has, match[1] as string) ? 'accepted' : 'invalid'
}

async function isGood ({ issuer, url }: SampleServer, has: Exchange['has'], token: string): Promise<boolean> {
  try {
    if (has('signature-unchecked')) return decodeJwt(token).aud === url
    if (has('accepts-none') && token.endsWith('.')) return true
    await jwtVerify(token, issuer.key.publicKey, {
      issuer: issuer.issuer,
      ...has('any-audience') ? {} : { audience: url },
      ...has('expired-accepted') ? { currentDate: new Date(0) } : {}
    })
    return true
  } catch {
    return false
  }
}

function refuse (exchange: Exchange, credentials: Exclude<Credentials, 'accepted'>): void {
  const { has, request, response } = exchange
  const error = {
    missing: has('error-without-token') ? 'invalid_token' : undefined,
    invalid: 'invalid_token',
    malformed: 'invalid_request'
  }[credentials]
  challenge(exchange, has('no-invalid-token') ? undefined : error)
  const echo = has('echoes-token') ? ` ${request.headers.authorization}` : ''
  if (has('text-body')) return sendStatus(response, 401)
  sendJson(response, { error: (error ?? 'missing_token') + echo }, credentials === 'malformed' ? 400 : 401)
}

function challenge (
  { server, has, request, response }: Exchange, error: string | undefined, scope = 'read'
): void {
  if (has('no-challenge')) return
  const path = has('root-metadata-only') || has('two-documents') ? '' : '/mcp'
  const origin = has('advertises-nowhere') ? 'http://127.0.0.1:1' : server.origin
  const advertised = `${origin}${METADATA}${path}`
  const parameters = [
    ...error === undefined ? [] : [`error="${error}"`],
    ...has('advertises-nothing') ? ['realm="mcp"'] : [`resource_metadata="${advertised}"`],
    ...has('no-scope') ? [] : [`scope="${scope}${has('offline-access') ? ' offline_access' : ''}"`],
    ...has('echoes-token') ? [`error_description="not good: ${request.headers.authorization}"`] : []
  ]
  const malformed = has('malformed-challenge') ? `resource_metadata=${advertised}` : undefined
  const value = `Bearer ${malformed ?? parameters.join(', ')}`
  response.setHeader('www-authenticate', has('two-challenges') ? [value, value] : value)
}

function sendStatus (response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end()
}

interface Rpc {
  readonly id?: string
  readonly method?: string
  readonly params?: { readonly name?: string }
}

function answerMessage (exchange: Exchange): void {
  const { has, request, response, body } = exchange
  const parsed = JSON.parse(body) as Rpc | readonly Rpc[]
  if (Array.isArray(parsed) && !has('batches')) return sendRpcError(exchange, 400, -32600, 'batch')
  const message = (Array.isArray(parsed) ? parsed[0] : parsed) as Rpc
  if (!has('duplicates') && body.split('"jsonrpc"').length > 2) {
    return sendRpcError(exchange, 400, -32600, 'duplicate member')
  }
  const isModern = request.headers['mcp-protocol-version'] === '2026-07-28'
  if (has('legacy')) {
    if (isModern || message.method === 'server/discover') {
      return sendRpcError(exchange, 400, -32000, 'no session')
    }
    if (message.method === 'initialize') {
      response.setHeader('mcp-session-id', SESSION)
      const result = { protocolVersion: '2025-06-18', capabilities: {} }
      return sendRpc(exchange, 200, { id: message.id, result })
    }
    if (request.headers['mcp-session-id'] !== SESSION) {
      return sendRpcError(exchange, 404, -32001, 'no such session')
    }
    if (message.id === undefined) return sendStatus(response, 202)
  } else if (request.headers['mcp-method'] !== message.method && !has('headers-unchecked')) {
    const code = has('mismatch-without-code') ? -32600 : -32020
    return sendRpcError(exchange, 400, code, 'mismatch', message.id)
  }
  if (message.method === 'tools/call') return answerCall(exchange, message)
  const isList = message.method === 'tools/list'
  const result = isList ? { tools: [{ name: 'delete_everything' }] } : { resultType: 'complete' }
  sendRpc(exchange, 200, { id: message.id, result })
}

function answerCall (exchange: Exchange, { id }: Rpc): void {
  const { has } = exchange
  if (has('any-tool-succeeds')) return sendRpc(exchange, 200, { id, result: { content: [] } })
  if (has('unknown-tool-401')) return refuse(exchange, 'invalid')
  if (has('step-up')) challenge(exchange, 'insufficient_scope', 'write')
  if (has('incomplete-step-up')) {
    exchange.response.setHeader('www-authenticate', 'Bearer error="insufficient_scope"')
  }
  if (has('step-up') || has('incomplete-step-up') || has('step-up-in-body')) {
    return sendJson(exchange.response, { error: 'insufficient_scope' }, 403)
  }
  sendRpcError(exchange, 200, -32602, 'unknown tool', id)
}

function sendRpcError (exchange: Exchange, status: number, code: number, message: string, id?: string): void {
  sendRpc(exchange, status, { id, error: { code, message } })
}

function sendRpc ({ has, response }: Exchange, status: number, message: object): void {
  const body = { jsonrpc: '2.0', ...message }
  if (!has('streams') || status !== 200) return sendJson(response, body, status)
  // The stream stays open after the JSON-RPC response.
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\r\n\r\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\r\n\r\n')
  response.write(`event: message\r\ndata: ${JSON.stringify(body)}\r\n\r\n`)
}
