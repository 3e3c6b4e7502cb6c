import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { InvalidTarget } from 'oidc-provider/lib/helpers/errors.js'
import type { Client, Context, Grant, ResourceServerInfo } from 'oidc-provider/lib/provider.js'
import { isLoopback } from '../listen.js'
import { renderProblem } from './consent-page.js'
import { findResource, type TokenResource } from './token-resource.js'

/** Scopes that belong to the authorization server, not to a resource. */
export const ownScopes = ['openid', 'offline_access']

const hour = 3600

export interface Setup {
  /** Read on every request: resources may be added while the server runs. */
  readonly resources: readonly TokenResource[]
  readonly jwks: { readonly keys: readonly object[] }
  readonly cookieKey: string
  /** Client metadata (RFC 7591 §2). */
  readonly clients: readonly Readonly<Record<string, unknown>>[]
  readonly findGrant: (id: string) => Promise<Grant | undefined>
}

/**
 * Returns the configuration for oidc-provider. It sets everything whose default prints a notice
 * (adapter, keys, lifetimes, CORS, pages).
 */
export function createConfiguration (setup: Setup): Record<string, unknown> {
  return {
    adapter: createMemoryAdapter(15),
    jwks: setup.jwks,
    clients: setup.clients,
    cookies: { keys: [setup.cookieKey] },
    scopes: ownScopes,
    responseTypes: ['code'],
    pkce: { required: () => true },
    features: createFeatures(setup.resources),
    extraClientMetadata: { properties: ['scope'], validator: adaptRegistration },
    clientBasedCORS: (_context: Context, origin: string) => isLoopbackOrigin(origin),
    findAccount: (_context: Context, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Every authorization asks for consent: none is remembered from an earlier one.
    loadExistingGrant: async ({ oidc: { result } }: Context) =>
      result?.consent && await setup.findGrant(result.consent.grantId),
    expiresWithSession: () => false,
    renderError: (context: Context, problem: Readonly<Record<string, string>>) => {
      context.type = 'html'
      context.body = renderProblem(problem['error'] ?? '', problem['error_description'] ?? '')
    },
    ttl: {
      AccessToken: chooseLifetime,
      ClientCredentials: chooseLifetime,
      AuthorizationCode: 60,
      Grant: 24 * hour,
      IdToken: hour,
      Interaction: hour,
      RefreshToken: 24 * hour,
      Session: 24 * hour
    }
  }
}

interface TokenWithResource {
  readonly resourceServer?: { readonly accessTokenTTL?: number }
}

function chooseLifetime (_context: Context, { resourceServer }: TokenWithResource): number {
  return resourceServer?.accessTokenTTL ?? hour
}

function createFeatures (resources: readonly TokenResource[]): Record<string, unknown> {
  return {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    introspection: {
      enabled: true,
      allowedPolicy: (_context: Context, client: Client) => client.clientAuthMethod !== 'none'
    },
    revocation: {
      enabled: true,
      allowedPolicy: (_context: Context, client: Client, token: { clientId: string }) => {
        return token.clientId === client.clientId
      }
    },
    resourceIndicators: {
      enabled: true,
      // Clients from before RFC 8707 name no resource. If there is only one, they mean it.
      defaultResource: (_context: Context, _client: Client, oneOf?: readonly string[]) =>
        oneOf ?? (resources.length === 1 ? resources[0]?.resource : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: (_context: Context, indicator: string) => {
        const resource = findResource(resources, indicator)
        if (resource === undefined) throw new InvalidTarget()
        return describeResourceServer(resource)
      }
    }
  }
}

/** Returns what oidc-provider puts into access tokens for the resource. */
export function describeResourceServer (resource: TokenResource): ResourceServerInfo {
  return {
    audience: resource.resource,
    scope: resource.scopes.join(' '),
    accessTokenFormat: resource.format ?? 'jwt',
    accessTokenTTL: resource.tokenSeconds ?? hour,
    jwt: { sign: { alg: 'RS256' } }
  }
}

interface Registration {
  scope?: unknown
  grant_types?: unknown
  redirect_uris?: unknown
  application_type?: unknown
}

const grantTypes = new Set(['authorization_code', 'refresh_token'])

/**
 * Drops from a registration what this server does not support, as RFC 7591 §3.2.1 allows.
 * oidc-provider would refuse the client instead.
 */
function adaptRegistration (
  context: Context | undefined, _key: string, _value: unknown, metadata: Registration
): void {
  if (context === undefined) return // a client of the configuration, not a registration
  // Clients send the scope of the challenge that made them register. Registered, it would bind the
  // client to those scopes, and no step-up could succeed.
  delete metadata.scope
  if (Array.isArray(metadata.grant_types)) {
    metadata.grant_types = metadata.grant_types.filter((type) => grantTypes.has(type))
  }
  const redirects = Array.isArray(metadata.redirect_uris) ? metadata.redirect_uris : []
  if (redirects.some((uri) => !/^https?:/i.test(String(uri)))) metadata.application_type = 'native'
}

/** Web pages on this machine, for example the MCP Inspector's, may call; CORS requests carry no cookie. */
function isLoopbackOrigin (origin: string): boolean {
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ''))
}
