import type { AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import { server, type ServerConfig } from '../../src/options/server.js'
import { complete } from '../../src/options/terms.js'
import { createAccessTokenVerifier, type AccessTokenVerifier } from '../../src/oauth/access-token.js'
import { createAuthorizationServer, type AuthorizationServer } from '../../src/oauth/authorization-server.js'
import type { Clock } from '../../src/clock.js'

export const RESOURCE = 'https://mcp.example/mcp'

/** Where the clocks of these tests start: at a whole second, as times in tokens are. */
export const START = Date.UTC(2026, 10, 22)

/** What was logged, as JSON text line by line. */
export interface TestLog {
  readonly lines: string[]
  warn (fields: object, message: string): void
  info (fields: object, message: string): void
}

export function createLog (): TestLog {
  const lines: string[] = []
  const write = (level: string) => (fields: object, message: string): void => {
    lines.push(JSON.stringify({ level, message, ...fields }))
  }
  return { lines, warn: write('warn'), info: write('info') }
}

export function authorizationServerConfig (
  issuer: string, overrides: Partial<AuthorizationServerConfig> = {}
): AuthorizationServerConfig {
  return {
    issuer,
    issuers: [],
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    scopeClaim: ['scope', 'scp', 'scopes'],
    allowHttp: false,
    ...overrides
  }
}

export function serverConfig (
  authorizationServers: readonly AuthorizationServerConfig[], overrides: Partial<ServerConfig> = {}
): ServerConfig {
  const written = { resource: RESOURCE, upstream: 'http://127.0.0.1:1/mcp', authorizationServers: [] }
  return {
    ...complete(server, written),
    authorizationServers,
    audience: [overrides.resource ?? RESOURCE],
    ...overrides
  }
}

export interface Setup {
  readonly verifier: AccessTokenVerifier
  readonly authorizationServers: readonly AuthorizationServer[]
  readonly log: TestLog
}

/** Returns the verifier of a server with its authorization servers, fetching for real. */
export function setUp (server: ServerConfig, clock: Pick<Clock, 'now'>, timeoutMs = 2_000): Setup {
  const log = createLog()
  const trusted = server.authorizationServers.map((config) => ({
    config, authorizationServer: createAuthorizationServer(config, { fetch, now: clock.now, log, timeoutMs })
  }))
  return {
    verifier: createAccessTokenVerifier({ server, trusted, now: clock.now }),
    authorizationServers: trusted.map(({ authorizationServer }) => authorizationServer),
    log
  }
}
