import type { AuthorizationServerConfig, IntrospectionConfig } from '../options/authorization-server.js'
import { createClientAuthentication } from './client-authentication.js'
import type { AuthorizationServerMetadata } from './discovery.js'
import { AuthorizationServerUnavailable } from './failures.js'
import { FetchFailed, fetchJson, type FetchSettings } from './fetch-json.js'
import type { JsonObject } from './json-object.js'

export interface IntrospectionClientOptions {
  readonly config: AuthorizationServerConfig
  readonly introspection: IntrospectionConfig
  readonly settings: FetchSettings
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly metadata: () => Promise<AuthorizationServerMetadata>
}

const RETRY_AFTER_SECONDS = 2
const NO_ENDPOINT =
  'the authorization server metadata has no introspection_endpoint: configure introspection.endpoint'

/**
 * Returns a function that asks the introspection endpoint about a token (RFC 7662 §2) and returns the
 * response, or undefined when the token is not active. For every other outcome that function throws
 * AuthorizationServerUnavailable, also when our own credentials are rejected: that says nothing about the
 * token. Throws when our credentials cannot be used.
 */
export function createIntrospectionClient (
  options: IntrospectionClientOptions
): (token: string) => Promise<JsonObject | undefined> {
  const { config, introspection, settings, metadata } = options
  const authenticate = createClientAuthentication(introspection, config.issuer, options.now)

  async function findEndpoint (): Promise<string> {
    const endpoint = introspection.endpoint ?? (await metadata()).introspection_endpoint
    if (typeof endpoint === 'string') return endpoint
    throw new FetchFailed(NO_ENDPOINT, 'answered')
  }

  return async function introspect (token) {
    try {
      const endpoint = await findEndpoint()
      const credentials = await authenticate()
      const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...credentials.form })
      const init = { method: 'POST', headers: credentials.headers, body }
      const response = await fetchJson(endpoint, settings, init)
      return response.active === true ? response : undefined
    } catch (cause) {
      if (!(cause instanceof FetchFailed)) throw cause
      const message = `introspection at ${config.issuer}: ${cause.message}`
      throw new AuthorizationServerUnavailable(message, RETRY_AFTER_SECONDS, { cause })
    }
  }
}
