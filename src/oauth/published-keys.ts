import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import { describeUrl } from './describe.js'
import type { AuthorizationServerMetadata } from './discovery.js'
import type { AuthorizationServerUnavailable } from './failures.js'
import { FetchFailed, fetchJson, type FetchSettings } from './fetch-json.js'
import { demand, keepDocument, unavailable, type DocumentKeeping, type Log } from './kept-document.js'
import { readKeySet, selectKeys, type KeySet, type VerificationKey } from './key-set.js'
import type { LastGood, LastGoodTimes } from './last-good.js'

/** The keys that an authorization server publishes, kept through its outages (A5). */
export interface PublishedKeys {
  /**
   * Returns the published keys that may have made a signature. They are fetched when there are none. Throws
   * AuthorizationServerUnavailable.
   */
  find (alg: string, kid: string | undefined): Promise<readonly VerificationKey[]>
  /** Tells whether find would have to wait. */
  mustWait (): boolean
  /**
   * Fetches the keys again, at most once per cooldown, for a token that no key has verified. Returns
   * undefined when that settles it: what still does not verify is invalid. Returns why not when the keys may
   * have changed since the last fetch and may not be fetched yet. Throws AuthorizationServerUnavailable when
   * the fetch failed.
   */
  refetch (kid: string | undefined): Promise<AuthorizationServerUnavailable | undefined>
  /** Tells, without waiting, whether a key is known to be still published (A7). */
  publishes (key: VerificationKey): boolean
  /** Fetches the keys if there are none yet. Does not reject. */
  prepare (): Promise<void>
  state (): 'never' | 'fresh' | 'stale'
  /** Milliseconds since the keys in use were fetched; undefined when there are none. */
  ageMs (): number | undefined
}

const NO_JWKS_URI = 'the authorization server metadata has no jwks_uri: configure jwksUri'

/** RFC 7517 §8.5.1. Some servers answer only to this type, and most know only the other. */
const ACCEPT = 'application/jwk-set+json, application/json;q=0.9, */*;q=0.1'

/** Ids of keys that were published once are remembered up to this number: ten years of monthly rotations. */
const MAX_RETIRED_KIDS = 120

/** Returns the keys at the configured `jwksUri`, or at the one in the metadata. */
export function keepPublishedKeys (
  config: AuthorizationServerConfig,
  keeping: DocumentKeeping,
  times: LastGoodTimes,
  settings: FetchSettings,
  metadata: LastGood<AuthorizationServerMetadata>
): PublishedKeys {
  const { issuer } = config
  const retired = new Set<string>()
  const load = createLoader(config, keeping.log, settings, metadata, retired)
  const keys = keepDocument('key set', config, keeping, times, load)

  /** Tells whether the last fetch has said all about a key: it is published, or it was and is no longer. */
  function isKnown (kid: string | undefined): boolean {
    if (kid === undefined) return false
    return retired.has(kid) || [...keys.peek()?.values() ?? []].some((key) => key.kid === kid)
  }

  return {
    async find (alg, kid) {
      return selectKeys(await demand(issuer, keys), alg, kid)
    },
    mustWait: () => keys.peek() === undefined,
    async refetch (kid) {
      switch (await keys.refetch()) {
        case 'failed': throw unavailable(issuer, keys, 'the keys could not be fetched again')
        case 'fetched': return undefined
        case 'paused': {
          if (isKnown(kid)) return undefined
          return unavailable(issuer, keys, 'the key is not known, and the keys were fetched just now')
        }
      }
    },
    publishes: (key) => keys.peek()?.get(key.id) === key,
    prepare: () => keys.get().then(() => {}, () => {}),
    state: keys.state,
    ageMs: keys.ageMs
  }
}

/** Returns what loads the keys: from the configured URL, or from the one in the metadata (A5). */
function createLoader (
  config: AuthorizationServerConfig,
  log: Log,
  settings: FetchSettings,
  metadata: LastGood<AuthorizationServerMetadata>,
  retired: Set<string>
): () => Promise<KeySet> {
  let previous: KeySet = new Map()

  async function load (url: unknown): Promise<KeySet> {
    if (typeof url !== 'string') {
      // An authorization server that issues only opaque tokens needs no keys. One that had keys does.
      if (config.introspection !== undefined && previous.size === 0) return previous
      throw new FetchFailed(NO_JWKS_URI, 'answered')
    }
    const document = await fetchJson(url, settings, { headers: { accept: ACCEPT } })
    const skipped: string[] = []
    const found = read(url, () => readKeySet(document, previous, (reason) => skipped.push(reason)))
    if (found.size === 0) {
      // One empty answer must not cost every accepted token (A5).
      const why = skipped.slice(0, 10).join(', ') || 'none is for signatures'
      throw new FetchFailed(`${describeUrl(url)} returned no usable key: ${why}`, 'answered')
    }
    if (skipped.length > 0) {
      log.warn({ issuer: config.issuer, skipped: skipped.slice(0, 10) }, 'some published keys cannot be used')
    }
    retire(previous, found, retired)
    previous = found
    return found
  }

  return async function loadKeySet () {
    if (config.jwksUri !== undefined) return await load(config.jwksUri)
    const url = (await metadata.get()).jwks_uri
    try {
      return await load(url)
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      // The keys may have moved since the metadata was fetched.
      await metadata.refetch()
      const moved = (await metadata.get()).jwks_uri
      if (moved === url) throw error
      return await load(moved)
    }
  }
}

function read (url: string, readDocument: () => KeySet): KeySet {
  try {
    return readDocument()
  } catch (error) {
    const message = `${describeUrl(url)} did not return a JWK Set: ${(error as Error).message}`
    throw new FetchFailed(message, 'answered', { cause: error })
  }
}

function retire (previous: KeySet, found: KeySet, retired: Set<string>): void {
  for (const { kid } of previous.values()) if (kid !== undefined) retired.add(kid)
  for (const { kid } of found.values()) if (kid !== undefined) retired.delete(kid)
  for (const kid of retired) {
    if (retired.size <= MAX_RETIRED_KIDS) return
    retired.delete(kid)
  }
}
