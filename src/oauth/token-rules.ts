import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { ServerConfig } from '../options/server.js'
import type { AuthorizationServer } from './authorization-server.js'

/** What one protected server demands of the tokens of one authorization server. */
export interface TokenRules {
  /** The configured issuer. `issuers` holds it and all other accepted values of `iss`. */
  readonly issuer: string
  readonly issuers: ReadonlySet<string>
  readonly algorithms: ReadonlySet<string>
  readonly audience: ReadonlySet<string>
  readonly strictAudience: boolean
  /** When present, `client_id` must be one of these and `aud` may be missing (A3). */
  readonly clientIds?: ReadonlySet<string>
  /** Names or dotted paths of the claims that may hold scopes, in order (A4). */
  readonly scopeClaims: readonly string[]
  readonly toleranceSeconds: number
  /** How long the claims of an opaque token may be used before introspection is asked again. */
  readonly introspectionSeconds: number
}

export interface TrustedIssuer {
  readonly rules: TokenRules
  readonly authorizationServer: AuthorizationServer
}

/** Returns the rules for tokens of one authorization server at one protected server (A2–A4). */
export function buildTokenRules (server: ServerConfig, config: AuthorizationServerConfig): TokenRules {
  return {
    issuer: config.issuer,
    issuers: new Set([config.issuer, ...config.issuers]),
    algorithms: new Set(config.algorithms),
    audience: new Set(acceptedAudience(server, config).flatMap(spellings)),
    strictAudience: server.strictAudience,
    ...(config.clientIds === undefined ? {} : { clientIds: new Set(config.clientIds) }),
    scopeClaims: config.scopeClaim,
    toleranceSeconds: server.clockToleranceSeconds,
    introspectionSeconds: config.introspection?.cacheSeconds ?? 0
  }
}

/** Returns the values of `aud` that a protected server accepts from one authorization server (A3). */
export function acceptedAudience (
  server: ServerConfig, { audience }: AuthorizationServerConfig
): readonly string[] {
  return audience ?? server.audience ?? [server.resource]
}

/** A URL without path may end in a slash or not; every other audience has only one spelling (A3). */
function spellings (audience: string): readonly string[] {
  if (!/^https?:\/\/[^/?#]+\/?$/i.test(audience)) return [audience]
  const bare = audience.replace(/\/$/, '')
  return [bare, `${bare}/`]
}
