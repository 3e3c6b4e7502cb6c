import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { ServerConfig } from '../options/server.js'
import type { AuthorizationServer } from './authorization-server.js'
import { MAX_TOKEN_LENGTH } from './bearer.js'
import { InvalidToken } from './failures.js'
import { createJwtVerifier } from './jwt.js'
import { createOpaqueTokenVerifier } from './opaque-token.js'
import type { Principal } from './principal.js'
import { findRepeatedIssuers } from './repeated-issuers.js'
import { createTokenCache, type VerifiedToken } from './token-cache.js'
import { parseToken } from './token-form.js'
import { buildTokenRules } from './token-rules.js'

export interface AccessTokenVerifier {
  /**
   * Returns the principal that a token speaks for. Rejects with InvalidToken or
   * AuthorizationServerUnavailable.
   */
  verify (token: string): Promise<Principal>
}

/** An authorization server, and what one protected server accepts of its tokens. */
export interface TrustedAuthorizationServer {
  readonly config: AuthorizationServerConfig
  readonly authorizationServer: AuthorizationServer
}

export interface AccessTokenVerifierOptions {
  readonly server: ServerConfig
  /** Whose tokens are accepted, in the order in which they are asked about opaque tokens. */
  readonly trusted: readonly TrustedAuthorizationServer[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const ENCRYPTED =
  'encrypted (JWE): configure the authorization server to sign access tokens without encrypting them'

/**
 * Returns the verifier of one protected server. JWTs are verified with the key set of their issuer (A2); the
 * authorization servers with introspection are asked about every other token. Accepted tokens are remembered
 * (A7), for this server only, because each server has its own rules. Throws when two authorization servers
 * claim one issuer.
 */
export function createAccessTokenVerifier (
  { server, trusted, now }: AccessTokenVerifierOptions
): AccessTokenVerifier {
  checkIssuersDiffer(trusted)
  const issuers = trusted.map(({ config, authorizationServer }) => ({
    rules: buildTokenRules(server, config), authorizationServer
  }))
  const verifyJwt = createJwtVerifier(issuers, now)
  const verifyOpaqueToken = createOpaqueTokenVerifier(issuers, now)
  const cache = createTokenCache({ seconds: server.tokenCacheSeconds, now })
  const pending = new Map<string, Promise<Principal>>()

  function verifyAny (token: string): Promise<VerifiedToken> {
    const parsed = parseToken(token)
    switch (parsed.form) {
      case 'jwt': return verifyJwt(parsed)
      case 'encrypted': throw new InvalidToken(ENCRYPTED)
      case 'opaque': return verifyOpaqueToken(token)
    }
  }

  async function verifyNow (token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_LENGTH) throw new InvalidToken(`longer than ${MAX_TOKEN_LENGTH} characters`)
    const verified = await verifyAny(token)
    cache.add(token, verified)
    return verified.principal
  }

  return {
    verify (token) {
      const remembered = cache.get(token)
      if (remembered !== undefined) return Promise.resolve(remembered)
      const underWay = pending.get(token)
      if (underWay !== undefined) return underWay
      // Not in a finally of verifyNow: when nothing is awaited there, it would run before the token is
      // entered, and the token would stay.
      const started = verifyNow(token).finally(() => { pending.delete(token) })
      pending.set(token, started)
      return started
    }
  }
}

/** One authorization server may repeat its own issuer: that leaves no doubt. */
function checkIssuersDiffer (trusted: readonly TrustedAuthorizationServer[]): void {
  const repeated = findRepeatedIssuers(trusted.map(({ config }) => config))
    .find(({ path, first }) => path[0] !== first[0])
  if (repeated !== undefined) throw new Error(`issuer ${repeated.issuer} is configured twice`)
}
