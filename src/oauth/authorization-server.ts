import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import { AuthorizationServerUnavailable } from './failures.js'
import { discover, type AuthorizationServerMetadata } from './discovery.js'
import { FetchFailed, fetchJson, type FetchSettings } from './fetch-json.js'
import { createIntrospectionClient } from './introspection.js'
import type { JsonObject } from './json-object.js'
import { readKeySet, selectKeys, type KeySet, type VerificationKey } from './key-set.js'
import { keepLastGood, type LastGood, type LastGoodTimes } from './last-good.js'
import { describeUrl } from './describe.js'

/** Where messages for operators go. */
export interface Log {
  warn (fields: Readonly<Record<string, unknown>>, message: string): void
  info (fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface AuthorizationServerOptions {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: Log
  /** Time limit for one document. Default 5 s. */
  readonly timeoutMs?: number
}

/** Who issues tokens, as far as a resource server has to know. It lives longer than a configuration. */
export interface AuthorizationServer {
  /** Returns the metadata document, or its last good copy (R4). Throws AuthorizationServerUnavailable. */
  metadata (): Promise<AuthorizationServerMetadata>
  /**
   * Returns the published keys that may have made a signature. When there are none, the keys are fetched
   * again first (A5). Throws AuthorizationServerUnavailable.
   */
  findKeys (alg: string, kid: string | undefined): Promise<readonly VerificationKey[]>
  /**
   * Fetches the keys again, at most once per cooldown. Throws AuthorizationServerUnavailable when the last
   * fetch failed.
   */
  refetchKeys (): Promise<void>
  /** Tells, without waiting, whether a key is known to be still published (A7). */
  publishes (key: VerificationKey): boolean
  /** Fetches the keys if there are none yet. Does not reject; state() tells the outcome. */
  prepare (): Promise<void>
  /**
   * Whether tokens can be verified. `never`: there are no keys, because they were never fetched or are too
   * old. `stale`: the last fetch failed and older keys are in use. `fresh`: all is well; introspection at a
   * configured endpoint always is, because it needs nothing in advance.
   */
  state (): 'never' | 'fresh' | 'stale'
  /**
   * Asks about an opaque token (RFC 7662). Returns its claims, or undefined when it is not active. Throws
   * AuthorizationServerUnavailable. Absent when no introspection is configured.
   */
  readonly introspect?: (token: string) => Promise<JsonObject | undefined>
}

const NO_JWKS_URI = 'the authorization server metadata has no jwks_uri: configure jwksUri'

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
 * Returns an authorization server whose documents are fetched when first needed. Throws when its
 * introspection credentials cannot be used.
 */
export function createAuthorizationServer (
  config: AuthorizationServerConfig, options: AuthorizationServerOptions
): AuthorizationServer {
  const { introspection } = config
  const settings: FetchSettings = {
    fetch: options.fetch,
    allowHttp: config.allowHttp,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs })
  }
  const metadata = keepDocument(
    'authorization server metadata', config, options, METADATA_TIMES, () => discover(config, settings)
  )
  const keys = keepDocument(
    'key set', config, options, KEY_TIMES, createKeySetLoader(config, options.log, settings, metadata)
  )

  async function available<T> (document: LastGood<T>): Promise<T> {
    try {
      return await document.get()
    } catch (error) {
      throw unavailable(document, error)
    }
  }

  async function refetchKeys (): Promise<void> {
    if (!await keys.refetch()) throw unavailable(keys, new Error('the keys could not be fetched again'))
  }

  function unavailable (document: LastGood<unknown>, cause: unknown): AuthorizationServerUnavailable {
    const retryAfterSeconds = Math.max(1, Math.ceil(document.retryInMs() / 1000))
    const message = `authorization server ${config.issuer}: ${(cause as Error).message}`
    return new AuthorizationServerUnavailable(message, retryAfterSeconds, { cause })
  }

  return {
    metadata: () => available(metadata),
    async findKeys (alg, kid) {
      const found = selectKeys(await available(keys), alg, kid)
      if (found.length > 0) return found
      await refetchKeys()
      return selectKeys(await available(keys), alg, kid)
    },
    refetchKeys,
    publishes: (key) => keys.peek()?.get(key.id) === key,
    prepare: () => keys.get().then(() => {}, () => {}),
    state: () => introspection?.endpoint !== undefined && keys.state() === 'never' ? 'fresh' : keys.state(),
    ...(introspection === undefined
      ? {}
      : {
          introspect: createIntrospectionClient({
            config, introspection, settings, now: options.now, metadata: () => available(metadata)
          })
        })
  }
}

/** Returns what loads the keys: from the configured URL, or from the one in the metadata (A5). */
function createKeySetLoader (
  config: AuthorizationServerConfig,
  log: Log,
  settings: FetchSettings,
  metadata: LastGood<AuthorizationServerMetadata>
): () => Promise<KeySet> {
  let previous: KeySet = new Map()
  return async function loadKeySet () {
    const url = config.jwksUri ?? (await metadata.get()).jwks_uri
    if (typeof url !== 'string') {
      // An authorization server that issues only opaque tokens needs no keys.
      if (config.introspection !== undefined) return new Map()
      throw new FetchFailed(NO_JWKS_URI, 'answered')
    }
    const document = await fetchJson(url, settings)
    const skipped: string[] = []
    try {
      previous = readKeySet(document, previous, (reason) => skipped.push(reason))
    } catch (error) {
      const message = `${describeUrl(url)} did not return a JWK Set: ${(error as Error).message}`
      throw new FetchFailed(message, 'answered', { cause: error })
    }
    if (skipped.length > 0) {
      log.warn({ issuer: config.issuer, skipped: skipped.slice(0, 10) }, 'some published keys cannot be used')
    }
    return previous
  }
}

function keepDocument<T> (
  what: string,
  { issuer }: AuthorizationServerConfig,
  { now, log }: AuthorizationServerOptions,
  times: LastGoodTimes,
  load: () => Promise<T>
): LastGood<T> {
  return keepLastGood({
    ...times,
    load,
    now,
    onFailure (error, ageMs) {
      const fields = { issuer, reason: (error as Error).message }
      if (ageMs === undefined) {
        log.warn(fields, `${what} cannot be fetched`)
      } else {
        const message = `${what} cannot be fetched again; the last good copy stays in use`
        log.warn({ ...fields, ageSeconds: Math.round(ageMs / 1000) }, message)
      }
    },
    onRecovery: () => log.info({ issuer }, `${what} fetched again after a failure`)
  })
}
