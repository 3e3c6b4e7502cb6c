import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import type { Test } from 'tap'
import { createSigningKey, type SigningKey } from './keys.js'

export type Route = (request: IncomingMessage, response: ServerResponse) => void

/** A real authorization server on a loopback socket, as far as a resource server sees one. */
export interface TestIssuer {
  readonly issuer: string
  readonly origin: string
  /** The key that signs; `rotate` replaces it. */
  key: SigningKey
  /** What the JWK Set publishes. */
  keys: unknown[]
  /** What the metadata document holds; served at the RFC 8414 path. */
  metadata: Record<string, unknown>
  /** `hang` accepts requests and never answers them. */
  mode: 'serve' | 'fail' | 'hang'
  /** More paths, or other answers for the same ones. */
  readonly routes: Map<string, Route>
  /** Paths asked for, in order. */
  readonly requests: string[]
  /** How often a path was asked for. */
  count (path: string): number
  /** Replaces the signing key and publishes only the new one. */
  rotate (kid: string): Promise<void>
  /** Signs an access token with usual claims; `claims` overrides, undefined removes. */
  token (claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** Stops listening and breaks all connections: from now on connections are refused. */
  stop (): Promise<void>
}

/** The resource that tokens are for, unless a test says another. */
export const AUDIENCE = 'https://mcp.example/mcp'

export interface TestIssuerOptions {
  /** Path of the issuer, without a slash at its end. */
  readonly path?: string
  readonly alg?: string
  readonly key?: SigningKey
  /** Audience of its tokens. */
  readonly audience?: string
  /** How long its tokens live; default 600. */
  readonly lifetimeSeconds?: number
  /** Milliseconds since the epoch, for the times in its tokens. */
  readonly now?: () => number
}

/**
 * Starts an authorization server and stops it after the test, or after whatever else closes what it opened.
 */
export async function startIssuer (
  t: Pick<Test, 'after'>, options: TestIssuerOptions = {}
): Promise<TestIssuer> {
  const { path = '', alg = 'ES256', audience = AUDIENCE, lifetimeSeconds = 600, now = Date.now } = options
  const server = createServer((request, response) => answer(self, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = origin + path
  const key = options.key ?? await createSigningKey(alg, 'first')
  const self: TestIssuer = {
    issuer,
    origin,
    key,
    keys: [key.jwk],
    metadata: { issuer, jwks_uri: `${origin}/jwks`, token_endpoint: `${origin}/token` },
    mode: 'serve',
    routes: new Map<string, Route>([
      ['/jwks', (_request, response) => sendJson(response, { keys: self.keys as JWK[] })],
      [
        `/.well-known/oauth-authorization-server${path}`,
        (_request, response) => sendJson(response, self.metadata)
      ]
    ]),
    requests: [],
    count: (wanted) => self.requests.filter((requested) => requested === wanted).length,
    async rotate (kid) {
      self.key = await createSigningKey(alg, kid)
      self.keys = [self.key.jwk]
    },
    token (claims = {}, header = {}) {
      const seconds = Math.floor(now() / 1000)
      const usual = {
        iss: issuer,
        aud: audience,
        sub: 'alice',
        client_id: 'client-1',
        scope: 'todo:read todo:write',
        iat: seconds,
        exp: seconds + lifetimeSeconds
      }
      return self.key.sign({ ...usual, ...claims }, header)
    },
    stop: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
  t.after(() => self.stop())
  return self
}

/** Answers with a JSON document. */
export function sendJson (response: ServerResponse, document: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

function answer (self: TestIssuer, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] as string
  self.requests.push(path)
  if (self.mode === 'hang') return
  const route = self.mode === 'serve' ? self.routes.get(path) : undefined
  if (route !== undefined) return route(request, response)
  sendJson(response, { error: 'no' }, self.mode === 'fail' ? 500 : 404)
}
