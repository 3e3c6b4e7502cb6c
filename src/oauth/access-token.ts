import type { ServerConfig } from '../config/config.js'
import type { AuthorizationServer } from './authorization-server.js'
import { MAX_TOKEN_LENGTH } from './bearer.js'
import { InvalidToken } from './failures.js'
import { createJwtVerifier, readTokenForm } from './jwt.js'
import { createOpaqueTokenVerifier } from './opaque-token.js'
import type { Principal } from './principal.js'
import { createTokenCache, type VerifiedToken } from './token-cache.js'
import { buildTokenRules, type TrustedIssuer } from './token-rules.js'

/** Turns an access token into the principal it speaks for; throws InvalidToken or AuthorizationServerUnavailable. */
export interface AccessTokenVerifier {
  verify (token: string): Promise<Principal>
}

export interface AccessTokenVerifierOptions {
  readonly server: ServerConfig
  /** One for each of `server.authorizationServers`, in the same order. */
  readonly authorizationServers: readonly AuthorizationServer[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Returns the verifier of one protected server: JWTs go to the key set of their issuer (A2), every
 * other token to the authorization servers with introspection. Accepted tokens are remembered (A7),
 * for this server alone, since what it accepts is its own. Throws when two authorization servers
 * claim one issuer, for then nobody can say whose rules hold.
 */
export function createAccessTokenVerifier ({ server, authorizationServers, now }: AccessTokenVerifierOptions): AccessTokenVerifier {
  const trusted = pairIssuers(server, authorizationServers)
  const verifyJwt = createJwtVerifier(trusted, now)
  const verifyOpaqueToken = createOpaqueTokenVerifier(trusted, now)
  const cache = createTokenCache({ seconds: server.tokenCacheSeconds, now })
  const pending = new Map<string, Promise<Principal>>()

  function verifyAny (token: string): Promise<VerifiedToken> {
    switch (readTokenForm(token)) {
      case 'jwt': return verifyJwt(token)
      case 'encrypted': throw new InvalidToken('encrypted (JWE): configure the authorization server to sign access tokens without encrypting them')
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
      // Not in verifyNow's own finally: that runs before the token is entered when nothing is waited for, and then it would stay.
      const started = verifyNow(token).finally(() => { pending.delete(token) })
      pending.set(token, started)
      return started
    }
  }
}

function pairIssuers (server: ServerConfig, authorizationServers: readonly AuthorizationServer[]): readonly TrustedIssuer[] {
  const claimed = new Set<string>()
  return server.authorizationServers.map((config, index) => {
    const authorizationServer = authorizationServers[index]
    if (authorizationServer?.issuers[0] !== config.issuer) throw new Error(`no authorization server for issuer ${config.issuer}`)
    for (const issuer of new Set([config.issuer, ...config.issuers])) {
      if (claimed.has(issuer)) throw new Error(`issuer ${issuer} is configured twice`)
      claimed.add(issuer)
    }
    return { rules: buildTokenRules(server, config), authorizationServer }
  })
}
