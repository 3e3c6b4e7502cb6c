import { createAuthorizationServer, type AuthorizationServer } from '../oauth/authorization-server.js'
import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { Logger } from '../telemetry/logger.js'
import { NO_METRICS, type Metrics } from '../telemetry/metrics.js'

/** Time, passed in so that tests hold the clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now (): number
  /** Calls back after `ms` milliseconds; returns how to cancel. */
  after (ms: number, callback: () => void): () => void
}

/** What outlives one application: a reload builds the next one on the same services (O2). */
export interface Services {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Returns the authorization server for a configuration; the same one, with its keys, for an unchanged configuration. */
  authorizationServer (config: AuthorizationServerConfig): AuthorizationServer
  /** Signs session ids when none is configured (F10): random, as long as the process lives. */
  readonly sessionKey: string
}

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

/**
 * The clock of the machine. Its timers do not keep the process alive. Node keeps a list for each length of timers until the
 * last of that length was due, even when all were cancelled: whoever opens streams over and over with a token that is good
 * for a day must not leave one for each millisecond of it. So a timer waits whole seconds first, and the rest of one then.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  after (ms, callback) {
    let timer: NodeJS.Timeout
    function wait (left: number): void {
      const length = left < SECOND_MS ? Math.max(left, 0) : Math.min(Math.floor(left / SECOND_MS) * SECOND_MS, HOUR_MS)
      timer = setTimeout(() => left > length ? wait(left - length) : callback(), length).unref()
    }
    wait(ms)
    return () => clearTimeout(timer)
  }
}

/** Makes the services of a process. Authorization servers are made when first asked for. */
export function createServices (parts: { readonly logger: Logger, readonly sessionKey: string, readonly metrics?: Metrics, readonly clock?: Clock }): Services {
  const { logger, sessionKey, metrics = NO_METRICS, clock = systemClock } = parts
  const authorizationServers = new Map<string, AuthorizationServer>()
  return {
    clock,
    logger,
    metrics,
    sessionKey,
    authorizationServer (config) {
      const key = identityOf(config)
      const known = authorizationServers.get(key)
      if (known !== undefined) return known
      const created = createAuthorizationServer(config, { fetch: globalThis.fetch, now: clock.now, log: logger })
      authorizationServers.set(key, created)
      return created
    }
  }
}

/**
 * What an authorization server is known by: all that decides whom is asked and where. The rest says
 * what is accepted, and may change without losing the keys.
 */
function identityOf ({ algorithms, audience, clientIds, scopeClaim, advertise, ...identity }: AuthorizationServerConfig): string {
  return JSON.stringify(identity)
}
