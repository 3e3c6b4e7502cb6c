import { fail, mcp, NotApplicable, pass, skip, warn, type Check, type Outcome } from './check.js'
import type { Context } from './context.js'
import { expectReadable } from './cors.js'
import { headerOf, type JsonObject } from './exchange.js'
import { issuersOf, type FoundMetadata } from './find-metadata.js'
import { quote } from './quote.js'
import { isScope } from './resource-scopes.js'
import { isConfidential } from './urls.js'
import { bearerChallenge } from './www-authenticate.js'

const DISCOVERY = 'basic/authorization/authorization-server-discovery'
const LOCATION = mcp(DISCOVERY, 'Authorization Server Location')
const PLACES = mcp(DISCOVERY, 'Protected Resource Metadata Discovery Requirements')

/** Checks of the protected resource metadata. */
export const metadataChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'metadata-found',
    title: 'Protected resource metadata is published',
    clause: `RFC 9728 §3; ${PLACES}`,
    severity: 'must',
    advice: 'Serve the document, without credentials, at /.well-known/oauth-protected-resource followed by ' +
      'the path of the URL.',
    run: async (context) => {
      const { used, path } = await context.metadata()
      if (used !== undefined) return pass(quote(used.url))
      return fail(path.kind === 'absent' ? path.problem : '')
    }
  },
  {
    id: 'metadata-advertised',
    title: 'The document that the challenge names is there',
    clause: 'RFC 9728 §5.1',
    severity: 'must',
    advice: 'Let resource_metadata be the absolute URL at which the document can be fetched from outside, ' +
      'without credentials. Behind a proxy that is the public URL.',
    run: examineAdvertised
  },
  {
    id: 'metadata-path',
    title: 'The document is at the well-known URL with the path of the resource',
    clause: `RFC 9728 §3, §3.1; ${PLACES}`,
    severity: 'must',
    advice: 'Insert /.well-known/oauth-protected-resource between host and path: for https://h/mcp serve ' +
      'https://h/.well-known/oauth-protected-resource/mcp.',
    run: async (context) => {
      await requireMetadata(context)
      const { path } = await context.metadata()
      return path.kind === 'found' ? pass() : fail(path.problem)
    }
  },
  {
    id: 'metadata-root',
    title: 'The document is at the root well-known URL too',
    clause: PLACES,
    severity: 'info',
    advice: 'Serve the same document at both places, or none at the root: some clients look only there.',
    run: examineRoot
  },
  {
    id: 'metadata-consistent',
    title: 'The advertised document and the one at the well-known URL say the same',
    clause: 'RFC 9728 §3.3, §5.1',
    severity: 'should',
    advice: 'Serve one document from both places.',
    run: examineConsistency
  },
  {
    id: 'metadata-resource',
    title: '"resource" is the URL that was asked for',
    clause: 'RFC 9728 §3.3',
    severity: 'must',
    advice: 'Publish as "resource" exactly the URL that clients are given. Clients must not use a document ' +
      'that is for another resource.',
    run: examineResource
  },
  {
    id: 'metadata-authorization-servers',
    title: '"authorization_servers" names at least one issuer',
    clause: `${LOCATION}; RFC 9728 §2`,
    severity: 'must',
    advice: 'List the issuer identifiers of the authorization servers: https URLs without query and ' +
      'fragment, spelled as in their metadata.',
    run: examineAuthorizationServers
  },
  {
    id: 'metadata-bearer-methods',
    title: '"bearer_methods_supported" is ["header"] or absent',
    clause: `RFC 9728 §2; ${mcp('basic/authorization', 'Access Token Usage, Token Requirements')}`,
    severity: 'must',
    advice: 'Publish ["header"]: MCP allows tokens nowhere else.',
    run: async (context) => {
      const { bearer_methods_supported: methods } = (await requireMetadata(context)).document
      if (methods === undefined) return pass('absent')
      const isHeader = Array.isArray(methods) && methods.length === 1 && methods[0] === 'header'
      return isHeader ? pass() : fail(quote(methods))
    }
  },
  {
    id: 'metadata-empty-lists',
    title: 'No member is an empty list',
    clause: 'RFC 9728 §3.2',
    severity: 'must',
    advice: 'Leave members without values out. Clients read an empty scopes_supported as "ask for no scope".',
    run: async (context) => {
      const { document } = await requireMetadata(context)
      const empty = Object.entries(document).filter(([, value]) => Array.isArray(value) && value.length === 0)
      return empty.length === 0 ? pass() : fail(`empty: ${quote(empty.map(([name]) => name).join(', '))}`)
    }
  },
  {
    id: 'metadata-scopes',
    title: '"scopes_supported" lists scope values',
    clause: `RFC 9728 §2; ${mcp('basic/authorization', 'Scope Selection Strategy')}`,
    severity: 'should',
    advice: 'List the scopes that clients need, one string each. Where they are bound to the scopes with ' +
      'which they register (as-register-bound), list all that they will ever need, or none.',
    run: async (context) => {
      const { scopes_supported: scopes } = (await requireMetadata(context)).document
      if (scopes === undefined) return warn('absent')
      if (!Array.isArray(scopes)) return warn(quote(scopes))
      if (scopes.length === 0) return skip('empty')
      return scopes.every(isScope)
        ? pass(quote(scopes.join(' ')))
        : warn(quote(scopes))
    }
  },
  {
    id: 'scopes-own',
    title: 'Neither metadata nor challenge asks for offline_access or openid',
    clause: mcp('basic/authorization', 'Refresh Tokens'),
    severity: 'should',
    advice: 'Leave them out: they are meant for the authorization server. Clients add offline_access ' +
      'themselves when they want a refresh token.',
    run: examineOwnScopes
  },
  {
    id: 'metadata-content-type',
    title: 'The document is application/json',
    clause: 'RFC 9728 §3.2',
    severity: 'must',
    advice: 'Send Content-Type: application/json.',
    run: async (context) => {
      const type = headerOf((await requireMetadata(context)).response, 'content-type')
      return /^application\/json[\t ]*(;|$)/i.test(type ?? '') ? pass() : fail(`Content-Type: ${quote(type)}`)
    }
  },
  {
    id: 'metadata-cors',
    title: 'Any web page can read the document',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Origin)',
    severity: 'should',
    advice: 'Send Access-Control-Allow-Origin: * with the document. It is public, and clients in browsers ' +
      'need it.',
    run: async (context) => {
      const { url } = await requireMetadata(context)
      const { browserOrigin } = context
      return expectReadable(await context.send({ url, headers: [['Origin', browserOrigin]] }), browserOrigin)
    }
  },
  {
    id: 'metadata-head',
    title: 'HEAD is answered as GET is',
    clause: 'RFC 9110 §9.1, §9.3.2',
    severity: 'should',
    advice: 'Serve HEAD wherever GET is served.',
    run: async (context) => {
      const { status } = await context.send({ method: 'HEAD', url: (await requireMetadata(context)).url })
      return status === 200 ? pass() : warn(`answered ${status}`)
    }
  }
]

async function requireMetadata (context: Context): Promise<FoundMetadata> {
  const { used } = await context.metadata()
  if (used === undefined) throw new NotApplicable('there is no protected resource metadata')
  return used
}

async function examineAdvertised (context: Context): Promise<Outcome> {
  const { advertised } = await context.metadata()
  if (advertised === undefined) return skip('the challenge names none')
  if (advertised.kind === 'absent') return fail(advertised.problem)
  if (isConfidential(advertised.url)) return pass()
  const url = quote(advertised.url)
  return warn(`${url} is plain http: anybody on the way can name another authorization server`)
}

async function examineRoot (context: Context): Promise<Outcome> {
  await requireMetadata(context)
  const { root, path } = await context.metadata()
  if (root === undefined) return skip('the resource has no path: both URLs are the same')
  if (root.kind === 'absent') return skip(`${root.problem}; only clients that look nowhere else miss it`)
  if (path.kind === 'absent' || isSame(root.document, path.document)) return pass()
  const { resource } = root.document
  if (resource !== path.document['resource']) return skip(`it is for ${quote(resource)}`)
  return warn('it describes the same resource differently')
}

async function examineConsistency (context: Context): Promise<Outcome> {
  const { advertised, path } = await context.metadata()
  if (advertised?.kind !== 'found' || path.kind !== 'found' || advertised.url === path.url) {
    return skip('there is one place only')
  }
  if (isSame(advertised.document, path.document)) return pass()
  return warn(`${quote(advertised.document)} and ${quote(path.document)}`)
}

/** The order of members means nothing; the order of authorization servers may. */
function isSame (one: JsonObject, other: JsonObject): boolean {
  const spell = (document: JsonObject): string => {
    return JSON.stringify(Object.entries(document).sort(([a], [b]) => a < b ? -1 : 1))
  }
  return spell(one) === spell(other)
}

async function examineResource (context: Context): Promise<Outcome> {
  const { resource } = (await requireMetadata(context)).document
  const { identifier, url } = context
  // A resource without a path has two spellings, and clients write both.
  const isRoot = url.pathname === '/' && url.search === ''
  const spellings = isRoot ? [identifier, url.href, url.origin] : [identifier, url.href]
  if (spellings.some((spelling) => spelling === resource)) return pass()
  return fail(`it is ${quote(resource)} (expected ${quote(identifier)})`)
}

async function examineAuthorizationServers (context: Context): Promise<Outcome> {
  const { document } = await requireMetadata(context)
  const { authorization_servers: servers } = document
  const issuers = issuersOf(document)
  const isList = Array.isArray(servers) && servers.every((issuer) => typeof issuer === 'string')
  if (!isList || issuers.length === 0) return fail(quote(servers))
  const unfit = issuers.filter((issuer) => !/^https?:\/\/[^?#]+$/.test(issuer) || !URL.canParse(issuer))
  if (unfit.length === 0) return pass(quote(issuers.join(' ')))
  return fail(`not a URL without query and fragment: ${quote(unfit.join(' '))}`)
}

async function examineOwnScopes (context: Context): Promise<Outcome> {
  const { used } = await context.metadata()
  const supported = used?.document['scopes_supported']
  const challenged = bearerChallenge(await context.bare())?.parameters.get('scope')?.split(' ')
  if (supported === undefined && challenged === undefined) return skip('no scopes are named')
  const named: readonly unknown[] = [...Array.isArray(supported) ? supported : [], ...challenged ?? []]
  const own = ['offline_access', 'openid'].filter((scope) => named.includes(scope))
  return own.length === 0 ? pass() : warn(own.join(', '))
}
