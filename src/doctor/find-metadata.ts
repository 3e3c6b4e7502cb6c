import { NoResponse, parseJsonObject, type HttpResponse, type JsonObject, type Send } from './exchange.js'
import { quote } from './quote.js'
import { insertWellKnown, refuseNamedUrl } from './urls.js'
import { bearerChallenge } from './www-authenticate.js'

export interface FoundMetadata {
  readonly kind: 'found'
  readonly url: string
  readonly response: HttpResponse
  readonly document: JsonObject
}

export interface AbsentMetadata {
  readonly kind: 'absent'
  readonly url: string
  /** What is there instead of a document. */
  readonly problem: string
}

/** A place where a metadata document can be. */
export type MetadataPlace = FoundMetadata | AbsentMetadata

/**
 * Protected resource metadata at all places where clients look, in their order
 * (MCP basic/authorization/authorization-server-discovery).
 */
export interface ResourceMetadata {
  /** The place that the challenge names; undefined when it names none. */
  readonly advertised: MetadataPlace | undefined
  readonly path: MetadataPlace
  /** Undefined for a resource without a path: both places are the same. */
  readonly root: MetadataPlace | undefined
  /** The document that clients use: the first one found. */
  readonly used: FoundMetadata | undefined
}

const NAME = 'oauth-protected-resource'

/** Looks for the metadata of a resource; `bare` is its response to a request without credentials. */
export async function findMetadata (
  resource: URL, bare: HttpResponse, send: Send
): Promise<ResourceMetadata> {
  const places = new Map<string, Promise<MetadataPlace>>()
  const look = (url: string): Promise<MetadataPlace> => {
    const known = places.get(url) ?? fetchMetadata(url, resource, send)
    places.set(url, known)
    return known
  }
  const named = bearerChallenge(bare)?.parameters.get('resource_metadata')
  const advertised = named === undefined ? undefined : await look(named)
  const pathUrl = insertWellKnown(resource, NAME)
  const rootUrl = `${resource.origin}/.well-known/${NAME}`
  const path = await look(pathUrl)
  const root = rootUrl === pathUrl ? undefined : await look(rootUrl)
  const used = [advertised, path, root].find((place) => place?.kind === 'found')
  return { advertised, path, root, used }
}

/** Returns what is at the URL of a metadata document. The examined server may have named the URL. */
export async function fetchMetadata (url: string, examined: URL, send: Send): Promise<MetadataPlace> {
  const refused = refuseNamedUrl(url, examined)
  if (refused !== undefined) return { kind: 'absent', url, problem: `${quote(url)} ${refused}` }
  try {
    const response = await send({ url, headers: [['Accept', 'application/json']] })
    const document = response.status === 200 ? parseJsonObject(response.text) : undefined
    if (document !== undefined) return { kind: 'found', url, response, document }
    return { kind: 'absent', url, problem: `${quote(url)} ${describe(response)}` }
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error
    return { kind: 'absent', url, problem: `${quote(url)}: ${error.message}` }
  }
}

function describe ({ status }: HttpResponse): string {
  if (status === 200) return 'has something that is not a JSON object of at most 64 levels'
  const seen = `is answered ${status}`
  return status === 401 || status === 403 ? `${seen}: it must be public` : seen
}

/** Returns the issuers that a protected resource metadata document names. */
export function issuersOf ({ authorization_servers: servers }: JsonObject): readonly string[] {
  return Array.isArray(servers) ? [...new Set(servers.filter((issuer) => typeof issuer === 'string'))] : []
}
