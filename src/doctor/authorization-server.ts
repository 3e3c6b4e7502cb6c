import { NotApplicable } from './check.js'
import { once, type Context } from './context.js'
import type { JsonObject } from './exchange.js'
import { fetchMetadata, type FoundMetadata, type MetadataPlace } from './find-metadata.js'
import { quote } from './quote.js'
import { tryRegistration, type Registration } from './registration.js'
import { findResourceScopes, firstScopes, type ResourceScopes } from './resource-scopes.js'
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
  /** Those that the resource names. */
  scopes (): Promise<ResourceScopes>
  /** Throws NotApplicable when registrations are not to be tried, or when there is nowhere to register. */
  registrations (): Promise<Registrations>
}

/** Clients register with the scopes that a resource names, or without any when it names none. */
export interface Registrations {
  /** The scopes of the first one. */
  readonly scopes: readonly string[]
  readonly first: Registration
  /** One without scopes, to compare; undefined when the first one had none either, or was refused. */
  readonly plain: Registration | undefined
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
  const used = async (): Promise<FoundMetadata> => {
    const found = (await places()).find((place) => place.kind === 'found')
    if (found === undefined) throw new NotApplicable('there is no authorization server metadata')
    return found
  }
  const scopes = once(() => findResourceScopes(resource))
  const registrations = once(async () => {
    if (!resource.register) throw new NotApplicable(NOT_TRIED)
    const endpoint = endpointOf((await used()).document, 'registration_endpoint', resource)
    if (endpoint === undefined) throw new NotApplicable('there is no registration_endpoint')
    return register(endpoint, firstScopes(await scopes()), resource)
  })
  return { issuer, resource, places, used, scopes, registrations }
}

const NOT_TRIED = 'not tried: --register registers a client there and deletes it again'

async function register (
  endpoint: string, scopes: readonly string[], { url: examined, send }: Context
): Promise<Registrations> {
  const place = { endpoint, examined, send }
  const first = await tryRegistration(place, scopes)
  const isComparable = scopes.length > 0 && first.kind === 'registered'
  return { scopes, first, plain: isComparable ? await tryRegistration(place, []) : undefined }
}

/**
 * Returns where clients look, in their order
 * (MCP basic/authorization/authorization-server-discovery, Authorization Server Metadata Discovery).
 */
export function placesOf (
  issuer: string, examined: URL
): ReadonlyArray<readonly [form: string, url: string]> {
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
  document: JsonObject, name: string, { url }: Context
): string | undefined {
  const endpoint = document[name]
  if (endpoint === undefined) return undefined
  const refused = refuseNamedUrl(endpoint, url)
  if (refused !== undefined) throw new NotApplicable(`${name} ${quote(endpoint)} ${refused}`)
  return endpoint as string
}
