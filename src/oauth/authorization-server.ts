import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import { discover, type AuthorizationServerMetadata } from './discovery.js'
import { AuthorizationServerUnavailable } from './failures.js'
import type { Fetch, FetchSettings } from './fetch-json.js'
import { createIntrospectionClient, type IntrospectionClient } from './introspection.js'
import type { JsonObject } from './json-object.js'
import { demand, keepDocument, type DocumentKeeping } from './kept-document.js'
import type { VerificationKey } from './key-set.js'
import type { LastGood, LastGoodTimes } from './last-good.js'
import { keepPublishedKeys } from './published-keys.js'

export interface AuthorizationServerOptions extends DocumentKeeping {
  readonly fetch: Fetch
  /** Time limit for one document. Default 5 s. */
  readonly timeoutMs?: number
}

/** Who issues tokens, as far as a resource server has to know. It lives longer than a configuration. */
export interface AuthorizationServer {
  /** Returns the metadata document, or its last good copy (R4). Throws AuthorizationServerUnavailable. */
  metadata (): Promise<AuthorizationServerMetadata>
  /**
   * Returns the published keys that may have made a signature. Throws AuthorizationServerUnavailable, also
   * when too many tokens wait for the keys.
   */
  findKeys (alg: string, kid: string | undefined): Promise<readonly VerificationKey[]>
  /**
   * Fetches the keys again, at most once per cooldown, for a token that no key has verified (A5). Returns
   * undefined when that settles it: what still does not verify is invalid. Returns why nothing can be said
   * yet when the keys may not be fetched again so soon. Throws AuthorizationServerUnavailable when they could
   * not be fetched.
   */
  refetchKeys (kid: string | undefined): Promise<AuthorizationServerUnavailable | undefined>
  /** Tells, without waiting, whether a key is known to be still published (A7). */
  publishes (key: VerificationKey): boolean
  /**
   * Fetches the keys if there are none yet, and finds out whether introspection works if that is in doubt.
   * Does not reject; the states tell the outcome.
   */
  prepare (): Promise<void>
  /**
   * Whether JWTs can be verified. `never`: there are no keys, because they were never fetched or are too old.
   * `stale`: the last fetch failed and older keys are in use. `fresh`: all is well; introspection at a
   * configured endpoint needs no keys.
   */
  state (): 'never' | 'fresh' | 'stale'
  /** Milliseconds since the keys in use were fetched; undefined when there are none. */
  keyAgeMs (): number | undefined
  /** Whether opaque tokens can be asked about. Absent when no introspection is configured. */
  readonly introspectionState?: IntrospectionClient['state']
  /**
   * Asks about an opaque token (RFC 7662). Returns its claims, or undefined when it is not active. Throws
   * AuthorizationServerUnavailable. Absent when no introspection is configured.
   */
  readonly introspect?: (token: string) => Promise<JsonObject | undefined>
}

const MINUTE = 60_000

const KEY_TIMES: LastGoodTimes = {
  refreshAfterMs: 10 * MINUTE,
  awaitAfterMs: 15 * MINUTE,
  discardAfterMs: 24 * 60 * MINUTE,
  retryAfterMs: 2_000,
  cooldownMs: 30_000
}

/** Metadata does not decide about any token, so its last good copy is used without limit (R4). */
const METADATA_TIMES: LastGoodTimes = { ...KEY_TIMES, awaitAfterMs: Infinity, discardAfterMs: Infinity }

/**
 * How many tokens wait for one authorization server at the same time. Anybody can make up tokens, and each
 * request that waits keeps its head in memory, 32 KiB at most. Tokens that need not wait are never counted.
 */
const MAX_WAITING = 1_024
const BUSY_RETRY_AFTER_SECONDS = 1

/**
 * Returns an authorization server whose documents are fetched when first needed. Throws when its
 * introspection credentials cannot be used.
 */
export function createAuthorizationServer (
  config: AuthorizationServerConfig, options: AuthorizationServerOptions
): AuthorizationServer {
  const { issuer } = config
  const settings: FetchSettings = {
    fetch: options.fetch,
    allowHttp: config.allowHttp,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs })
  }
  const metadata = keepDocument(
    'authorization server metadata', config, options, METADATA_TIMES, () => discover(config, settings)
  )
  const keys = keepPublishedKeys(config, options, KEY_TIMES, settings, metadata)
  const introspection = createIntrospection(config, options, settings, metadata)
  const wait = limitWaiting(issuer)

  return {
    metadata: () => demand(issuer, metadata),
    findKeys: (alg, kid) => keys.mustWait() ? wait(() => keys.find(alg, kid)) : keys.find(alg, kid),
    refetchKeys: (kid) => wait(() => keys.refetch(kid)),
    publishes: keys.publishes,
    prepare: async () => { await Promise.all([keys.prepare(), introspection?.probe()]) },
    state () {
      const needsNoKeys = config.introspection?.endpoint !== undefined && keys.state() === 'never'
      return needsNoKeys ? 'fresh' : keys.state()
    },
    keyAgeMs: keys.ageMs,
    ...(introspection === undefined
      ? {}
      : {
          introspectionState: introspection.state,
          introspect: (token: string) => wait(() => introspection.introspect(token))
        })
  }
}

function createIntrospection (
  config: AuthorizationServerConfig,
  { now }: AuthorizationServerOptions,
  settings: FetchSettings,
  metadata: LastGood<AuthorizationServerMetadata>
): IntrospectionClient | undefined {
  const { introspection } = config
  if (introspection === undefined) return undefined
  return createIntrospectionClient({
    config,
    introspection,
    settings,
    now,
    async metadata (anew) {
      if (anew) await metadata.refetch()
      return await demand(config.issuer, metadata)
    }
  })
}

/** Returns a function that does work unless too many others are waiting for theirs. */
function limitWaiting (issuer: string): <T>(work: () => Promise<T>) => Promise<T> {
  let waiting = 0
  return async function wait (work) {
    if (waiting >= MAX_WAITING) {
      const message = `authorization server ${issuer}: ${MAX_WAITING} tokens wait for it already`
      throw new AuthorizationServerUnavailable(message, BUSY_RETRY_AFTER_SECONDS)
    }
    waiting++
    try {
      return await work()
    } finally {
      waiting--
    }
  }
}
