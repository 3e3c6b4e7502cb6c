import { createAuthorizationServer, type AuthorizationServer } from './oauth/authorization-server.js'
import { systemClock, type Clock } from './clock.js'
import type { AuthorizationServerConfig } from './options/authorization-server.js'
import type { LogState } from './telemetry/log-destination.js'
import type { Logger } from './telemetry/logger.js'
import { NO_METRICS, type Metrics } from './telemetry/metrics.js'

/** What outlives one application: a reload builds the next one on the same services (O2). */
export interface Services {
  readonly clock: Clock
  readonly logger: Logger
  /** What becomes of the log's lines. */
  readonly logState: () => LogState
  readonly metrics: Metrics
  /**
   * Returns the authorization server for a configuration; the same one, with its keys, for an unchanged
   * configuration.
   */
  authorizationServer (config: AuthorizationServerConfig): AuthorizationServer
  /** Signs session ids when none is configured (F10): random, as long as the process lives. */
  readonly sessionKey: string
}

/** For a logger that writes elsewhere. */
const ALL_WRITTEN: LogState = { state: 'writing', lost: 0 }

/** What services are made from. Default: no metrics, and the clock of the machine. */
export interface ServiceParts {
  readonly logger: Logger
  readonly sessionKey: string
  readonly metrics?: Metrics
  readonly clock?: Clock
}

/** Makes the services of a process. Authorization servers are made when first asked for. */
export function createServices (parts: {
  readonly logger: Logger
  readonly sessionKey: string
  readonly logState?: () => LogState
  readonly metrics?: Metrics
  readonly clock?: Clock
}): Services {
  const { logger, sessionKey, logState = () => ALL_WRITTEN, metrics = NO_METRICS, clock = systemClock } = parts
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
      const options = { fetch: globalThis.fetch, now: clock.now, log: logger }
      const created = createAuthorizationServer(config, options)
      authorizationServers.set(key, created)
      return created
    }
  }
}

/**
 * What an authorization server is known by: all that decides whom is asked and where. The rest says
 * what is accepted, and may change without losing the keys.
 */
function identityOf (config: AuthorizationServerConfig): string {
  const { algorithms, audience, clientIds, scopeClaim, advertise, ...identity } = config
  return JSON.stringify(identity)
}
