import type { AuthorizationServerConfig, IntrospectionConfig } from '../options/authorization-server.js'
import { createClientAuthentication } from './client-authentication.js'
import type { AuthorizationServerMetadata } from './discovery.js'
import { AuthorizationServerUnavailable } from './failures.js'
import { FetchFailed, fetchJson, type FetchSettings } from './fetch-json.js'
import { rememberInactive } from './inactive-tokens.js'
import type { JsonObject } from './json-object.js'
import { takeTurns, TurnTimeout } from './take-turns.js'

export interface IntrospectionClientOptions {
  readonly config: AuthorizationServerConfig
  readonly introspection: IntrospectionConfig
  readonly settings: FetchSettings
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /**
   * Returns the metadata; `anew` fetches it again, at most once per cooldown. Throws
   * AuthorizationServerUnavailable.
   */
  readonly metadata: (anew: boolean) => Promise<AuthorizationServerMetadata>
}

export interface IntrospectionClient {
  /**
   * Asks about a token and returns the response, or undefined when the token is not active. Every other
   * outcome is AuthorizationServerUnavailable, also when our own credentials are rejected: that says nothing
   * about the token.
   */
  introspect (token: string): Promise<JsonObject | undefined>
  /** Asks about a token of our own when it is not known whether introspection works. Does not reject. */
  probe (): Promise<void>
  /** `failing`: a probe has failed, and nothing has been answered since. */
  state (): 'unknown' | 'working' | 'failing'
}

/** Requests to one authorization server at the same time. Many tokens must not become as many connections. */
const MAX_CONCURRENT = 32
/** The time that a token waits for its turn is bounded like the request itself. */
const MAX_WAIT_MS = 5_000
const RETRY_AFTER_SECONDS = 2
/** Between two probes, so that frequent readiness checks do not become a load. */
const PROBE_PAUSE_MS = 2_000
/** No authorization server has issued it. */
const PROBE_TOKEN = 'postern-readiness-probe'

const NO_ENDPOINT =
  'the authorization server metadata has no introspection_endpoint: configure introspection.endpoint'

/**
 * Returns what asks the introspection endpoint (RFC 7662 §2). A token is asked about once at a time, the
 * number of requests is bounded, and tokens that are not active are remembered for a few seconds. Throws when
 * our credentials cannot be used.
 */
export function createIntrospectionClient (options: IntrospectionClientOptions): IntrospectionClient {
  const { config, introspection, settings, metadata, now } = options
  const authenticate = createClientAuthentication(introspection, config.issuer, now)
  const takeTurn = takeTurns(MAX_CONCURRENT, MAX_WAIT_MS)
  const inactive = rememberInactive(now)
  const underWay = new Map<string, Promise<JsonObject | undefined>>()
  let state: 'unknown' | 'working' | 'failing' = 'unknown'
  let isDoubtful = true
  let probedAt = -Infinity

  async function findEndpoint (anew: boolean): Promise<string> {
    const endpoint = introspection.endpoint ?? (await metadata(anew)).introspection_endpoint
    if (typeof endpoint === 'string') return endpoint
    throw new FetchFailed(NO_ENDPOINT, 'answered')
  }

  async function askAt (endpoint: string, token: string): Promise<JsonObject> {
    const credentials = await authenticate()
    const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...credentials.form })
    return await fetchJson(endpoint, settings, { method: 'POST', headers: credentials.headers, body })
  }

  async function ask (token: string): Promise<JsonObject> {
    const endpoint = await findEndpoint(false)
    try {
      return await askAt(endpoint, token)
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      // The endpoint may have moved since the metadata was fetched.
      const moved = await findEndpoint(true)
      if (moved === endpoint) throw error
      return await askAt(moved, token)
    }
  }

  async function answer (token: string): Promise<JsonObject> {
    try {
      const response = await ask(token)
      state = 'working'
      isDoubtful = false
      return response
    } catch (cause) {
      // A stranger's odd token can cause an error, so only a token of our own decides about the state.
      isDoubtful = true
      if (!(cause instanceof FetchFailed)) throw cause
      throw unavailable(cause.message, cause)
    }
  }

  function unavailable (why: string, cause?: unknown): AuthorizationServerUnavailable {
    const message = `introspection at ${config.issuer}: ${why}`
    return new AuthorizationServerUnavailable(message, RETRY_AFTER_SECONDS, { cause })
  }

  async function start (token: string): Promise<JsonObject | undefined> {
    try {
      const response = await takeTurn(() => answer(token))
      if (response.active === true) return response
      inactive.add(token)
      return undefined
    } catch (error) {
      throw error instanceof TurnTimeout ? unavailable('too many tokens wait to be asked about') : error
    }
  }

  return {
    introspect (token) {
      if (inactive.has(token)) return Promise.resolve(undefined)
      const pending = underWay.get(token)
      if (pending !== undefined) return pending
      const started = start(token).finally(() => { underWay.delete(token) })
      underWay.set(token, started)
      return started
    },
    async probe () {
      if (!isDoubtful || Math.abs(now() - probedAt) < PROBE_PAUSE_MS) return
      probedAt = now()
      await answer(PROBE_TOKEN).catch(() => { state = 'failing' })
    },
    state: () => state
  }
}
