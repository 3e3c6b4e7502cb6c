import { NotApplicable } from './check.js'
import { once, type Context } from './context.js'
import type { JsonObject } from './exchange.js'
import { fetchMetadata, type FoundMetadata, type MetadataPlace } from './find-metadata.js'
import { quote } from './quote.js'
import { insertWellKnown, refuseNamedUrl } from './urls.js'

/** One of the places where clients look for authorization server metadata, and what is there. */
export type AuthorizationServerPlace = MetadataPlace & { readonly form: string }

/** What checks about one authorization server look at. */
export interface AuthorizationServerContext {
  /** As the protected resource metadata spells it. */
  readonly issuer: string
  readonly resource: Context
  /** All places, in the order in which clients try them. */
  places (): Promise<readonly AuthorizationServerPlace[]>
  /** The document that clients use: the first one found. Throws NotApplicable when there is none. */
  used (): Promise<FoundMetadata>
}

/** Returns the context of one authorization server that the resource names. */
export function createAuthorizationServerContext (
  issuer: string, resource: Context
): AuthorizationServerContext {
  const places = once(async () => {
    const found: AuthorizationServerPlace[] = []
    for (const [form, url] of placesOf(issuer, resource.url)) {
      found.push({ form, ...await fetchMetadata(url, resource.url, resource.send) })
    }
    return found
  })
  return {
    issuer,
    resource,
    places,
    used: async () => {
      const found = (await places()).find((place) => place.kind === 'found')
      if (found === undefined) throw new NotApplicable('there is no authorization server metadata')
      return found
    }
  }
}

/**
 * Returns where clients look, in their order
 * (MCP basic/authorization/authorization-server-discovery, Authorization Server Metadata Discovery).
 */
function placesOf (issuer: string, examined: URL): ReadonlyArray<readonly [form: string, url: string]> {
  if (refuseNamedUrl(issuer, examined) !== undefined) return []
  const url = new URL(issuer)
  url.pathname = url.pathname.replace(/\/$/, '')
  const inserted = [
    ['RFC 8414', insertWellKnown(url, 'oauth-authorization-server')],
    ['OpenID Connect, path inserted', insertWellKnown(url, 'openid-configuration')]
  ] as const
  if (url.pathname === '/') return inserted
  return [
    ...inserted,
    ['OpenID Connect, path in front', `${url.origin}${url.pathname}/.well-known/openid-configuration`]
  ]
}

/**
 * Returns the endpoint that a metadata document names; undefined when it names none.
 * Throws NotApplicable for a URL that the doctor sends no requests to.
 */
export function endpointOf (
  document: JsonObject, name: string, { resource }: AuthorizationServerContext
): string | undefined {
  const endpoint = document[name]
  if (endpoint === undefined) return undefined
  const refused = refuseNamedUrl(endpoint, resource.url)
  if (refused !== undefined) throw new NotApplicable(`${name} ${quote(endpoint)} ${refused}`)
  return endpoint as string
}
