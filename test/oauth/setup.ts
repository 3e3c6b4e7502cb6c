import type { Test } from 'tap'
import { createAccessTokenVerifier, type AccessTokenVerifier } from '../../src/oauth/access-token.js'
import { createAuthorizationServer, type AuthorizationServer } from '../../src/oauth/authorization-server.js'
import type { Clock } from '../../src/clock.js'
import type { AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import type { ServerConfig } from '../../src/options/server.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { startIssuer, type TestIssuer, type TestIssuerOptions } from '../helpers/issuer.js'

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

export interface Setup {
  readonly verifier: AccessTokenVerifier
  readonly authorizationServers: readonly AuthorizationServer[]
  readonly log: TestLog
}

interface Fetching {
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

/** Returns the verifier of a server without a gateway, with its authorization servers, fetching for real. */
export function setUp (server: ServerConfig, { now }: Pick<Clock, 'now'>, fetching: Fetching = {}): Setup {
  const log = createLog()
  const services = { fetch, now, log, timeoutMs: 2_000, ...fetching }
  const trusted = server.authorizationServers.map((config) => ({
    config, authorizationServer: createAuthorizationServer(config, services)
  }))
  return {
    verifier: createAccessTokenVerifier({ server, trusted, now }),
    authorizationServers: trusted.map(({ authorizationServer }) => authorizationServer),
    log
  }
}

export interface Overrides {
  readonly server?: Partial<ServerConfig>
  readonly as?: Partial<AuthorizationServerConfig>
  readonly timeoutMs?: number
  readonly issuer?: Omit<TestIssuerOptions, 'now'>
}

export interface VerifierScene extends Setup {
  readonly issuer: TestIssuer
  readonly clock: TestClock
}

/** Starts an authorization server, and returns the verifier of a server that trusts it. */
export async function startVerifier (t: Test, overrides: Overrides = {}): Promise<VerifierScene> {
  const { server, as, timeoutMs = 2_000 } = overrides
  const clock = createTestClock()
  const issuer = await startIssuer(t, { ...overrides.issuer, now: clock.now })
  const config = serverConfig([authorizationServerConfig(issuer.issuer, as)], server)
  return { ...setUp(config, clock, { timeoutMs }), issuer, clock }
}
