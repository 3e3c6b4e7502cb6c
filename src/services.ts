import { createAuthorizationServer, type AuthorizationServer } from './oauth/authorization-server.js'
import type { Fetch } from './oauth/fetch-json.js'
import { systemClock, type Clock } from './clock.js'
import type { AuthorizationServerConfig } from './options/authorization-server.js'
import type { LogState } from './telemetry/log-destination.js'
import type { Logger } from './telemetry/logger.js'
import { NO_METRICS, type Metrics } from './telemetry/metrics.js'

/** Services outlive one application: a reload builds the next one on the same services (O2). */
export interface Services {
  readonly clock: Clock
  readonly logger: Logger
  /** Returns whether the log's lines are written, and how many were lost. */
  readonly logState: () => LogState
  readonly metrics: Metrics
  /** Returns the authorization server for a configuration: the same one, with its keys, while unchanged. */
  authorizationServer (config: AuthorizationServerConfig): AuthorizationServer
  /** Signs session ids when no key is configured (F10). Random for each process. */
  readonly sessionKey: string
}

/** The state of a logger that writes elsewhere. */
const ALL_WRITTEN: LogState = { state: 'writing', lost: 0 }

/** Returns the services of a process. An authorization server is created when it is first needed. */
export function createServices (parts: {
  readonly logger: Logger
  readonly sessionKey: string
  readonly logState?: () => LogState
  readonly metrics?: Metrics
  readonly clock?: Clock
  /** Fetches documents of authorization servers; default: directly. */
  readonly fetch?: Fetch
}): Services {
  const { logger, sessionKey, fetch = globalThis.fetch } = parts
  const { logState = () => ALL_WRITTEN, metrics = NO_METRICS, clock = systemClock } = parts
  const authorizationServers = new Map<string, AuthorizationServer>()
  return {
    clock,
    logger,
    logState,
    metrics,
    sessionKey,
    authorizationServer (config) {
      const key = identityOf(config)
      const known = authorizationServers.get(key)
      if (known !== undefined) return known
      const created = createAuthorizationServer(config, {
        fetch,
        now: clock.now,
        log: logger
      })
      authorizationServers.set(key, created)
      return created
    }
  }
}

/**
 * Returns the identity of an authorization server: the options that decide which server is asked, and where.
 * The others decide what is accepted. They may change without losing the keys.
 */
function identityOf (config: AuthorizationServerConfig): string {
  const { algorithms, audience, clientIds, scopeClaim, advertise, ...identity } = config
  return JSON.stringify(identity)
}
