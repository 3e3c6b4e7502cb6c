import { NoAnswer, parseJsonObject, type Answer, type Ask, type JsonObject } from './exchange.js'
import { insertWellKnown, refuseNamedUrl } from './named-url.js'
import { quote } from './quote.js'
import { bearerChallenge } from './www-authenticate.js'

/** What is, or is not, at a place where a metadata document can be. */
export type MetadataPlace = { readonly url: string } & (
  | { readonly kind: 'found', readonly answer: Answer, readonly document: JsonObject }
  | { readonly kind: 'absent', readonly problem: string }
)

export type FoundMetadata = MetadataPlace & { readonly kind: 'found' }

/** Protected resource metadata at all places where clients look, in their order (MCP basic/authorization/authorization-server-discovery). */
export interface ResourceMetadata {
  /** Undefined when no challenge names it. */
  readonly advertised: MetadataPlace | undefined
  readonly path: MetadataPlace
  /** Undefined for a resource without a path, where it is the same. */
  readonly root: MetadataPlace | undefined
  /** The one that clients use. */
  readonly used: FoundMetadata | undefined
}

const NAME = 'oauth-protected-resource'

/** Looks for the metadata of a resource; `bare` is its answer to a request without credentials. */
export async function findMetadata (resource: URL, bare: Answer, ask: Ask): Promise<ResourceMetadata> {
  const places = new Map<string, Promise<MetadataPlace>>()
  const look = (url: string): Promise<MetadataPlace> => {
    const known = places.get(url) ?? fetchMetadata(url, resource, ask)
    places.set(url, known)
    return known
  }
  const named = bearerChallenge(bare)?.parameters.get('resource_metadata')
  const advertised = named === undefined ? undefined : await look(named)
  const pathUrl = insertWellKnown(resource, NAME)
  const rootUrl = `${resource.origin}/.well-known/${NAME}`
  const path = await look(pathUrl)
  const root = rootUrl === pathUrl ? undefined : await look(rootUrl)
  const used = [advertised, path, root].find((place) => place?.kind === 'found') as FoundMetadata | undefined
  return { advertised, path, root, used }
}

/** Returns what is at the URL of a metadata document, which the examined server may have named. */
export async function fetchMetadata (url: string, examined: URL, ask: Ask): Promise<MetadataPlace> {
  const refused = refuseNamedUrl(url, examined)
  if (refused !== undefined) return { kind: 'absent', url, problem: `${quote(url)} ${refused}` }
  try {
    const answer = await ask({ url, headers: [['Accept', 'application/json']] })
    const document = answer.status === 200 ? parseJsonObject(answer.text) : undefined
    return document === undefined ? { kind: 'absent', url, problem: `${quote(url)} ${describeAnswer(answer)}` } : { kind: 'found', url, answer, document }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return { kind: 'absent', url, problem: `${quote(url)}: ${error.message}` }
  }
}

function describeAnswer ({ status }: Answer): string {
  if (status === 200) return 'answers something that is not a JSON object'
  return status === 401 || status === 403 ? `answers ${status}: it must be public` : `answers ${status}`
}
