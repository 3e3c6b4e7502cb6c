import { createPublicKey } from 'node:crypto'
import { endpointOf, type AuthorizationServerContext } from './authorization-server.js'
import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { allowsOrigin, describeAllowedOrigin } from './checks-transport.js'
import { isSuccess, parseJsonObject, type JsonObject } from './exchange.js'
import { isConfidential, refuseNamedUrl } from './named-url.js'
import { quote } from './quote.js'

const DISCOVERY = mcp('basic/authorization/authorization-server-discovery', 'Authorization Server Metadata Discovery')
const SECURITY = 'basic/authorization/security-considerations'

/** NIST SP 800-57 and RFC 7518 §3.3: shorter RSA keys must not be used. */
const MIN_RSA_BITS = 2048
const CURVES: ReadonlySet<unknown> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'k', 'priv']

/** What is asked of each authorization server that the resource names. */
export const authorizationServerChecks: ReadonlyArray<Check<AuthorizationServerContext>> = [
  {
    id: 'as-metadata',
    title: 'Its metadata is found where clients look',
    clause: `${DISCOVERY}; RFC 8414 §3`,
    severity: 'must',
    advice: 'Serve RFC 8414 or OpenID Connect metadata at one of the well-known URLs of the issuer, without credentials; or name the issuer in "authorization_servers" as its own metadata spells it.',
    run: asMetadata
  },
  {
    id: 'as-issuer',
    title: 'The metadata has exactly this issuer',
    clause: `RFC 8414 §3.3; ${DISCOVERY}`,
    severity: 'must',
    advice: 'Put into "authorization_servers" the issuer exactly as the metadata spells it, slash at the end included: clients must not use the document otherwise.',
    run: async (context) => {
      const { issuer } = (await context.used()).document
      return issuer === context.issuer ? pass() : fail(`it has ${quote(issuer)}`)
    }
  },
  {
    id: 'as-https',
    title: 'Its issuer and endpoints are https, or on a loopback host',
    clause: mcp(SECURITY, 'Communication Security'),
    severity: 'must',
    advice: 'Serve the authorization server over TLS, and let it know its public URL when a proxy ends TLS for it.',
    run: asHttps
  },
  {
    id: 'as-endpoints',
    title: 'It has an authorization endpoint and a token endpoint',
    clause: 'RFC 8414 §2',
    severity: 'must',
    advice: 'Publish authorization_endpoint and token_endpoint: clients log in with an authorization code.',
    run: async (context) => {
      const { document } = await context.used()
      const missing = ['authorization_endpoint', 'token_endpoint'].filter((name) => !URL.canParse(String(document[name])))
      return missing.length === 0 ? pass() : fail(`missing: ${missing.join(', ')}`)
    }
  },
  {
    id: 'as-pkce',
    title: 'It supports PKCE with S256, and says so',
    clause: mcp(SECURITY, 'Authorization Code Protection'),
    severity: 'must',
    advice: 'Publish code_challenge_methods_supported with "S256". Clients must refuse to go on without it, even where the authorization server supports it.',
    run: async (context) => {
      const { code_challenge_methods_supported: methods } = (await context.used()).document
      return Array.isArray(methods) && methods.includes('S256') ? pass() : fail(`code_challenge_methods_supported: ${quote(methods)}`)
    }
  },
  {
    id: 'as-registration',
    title: 'Clients can register: by a metadata document or dynamically',
    clause: mcp('basic/authorization/client-registration', 'Client Registration'),
    severity: 'should',
    advice: 'Switch on Client ID Metadata Documents, or dynamic client registration for older clients. Without either, people have to register every client by hand.',
    run: async (context) => {
      const { registration_endpoint: endpoint, client_id_metadata_document_supported: byDocument } = (await context.used()).document
      const ways = [...byDocument === true ? ['metadata documents'] : [], ...typeof endpoint === 'string' ? ['dynamic registration'] : []]
      return ways.length > 0 ? pass(ways.join(', ')) : warn('neither client_id_metadata_document_supported nor registration_endpoint')
    }
  },
  {
    id: 'as-iss-parameter',
    title: 'It names itself in authorization responses',
    clause: `RFC 9207 §2, §3; ${mcp('basic/authorization', 'Authorization Response Validation')}`,
    severity: 'should',
    advice: 'Send iss with every authorization response, and publish authorization_response_iss_parameter_supported: true. It keeps clients with several authorization servers from mixing them up.',
    run: async (context) => {
      const { authorization_response_iss_parameter_supported: supported } = (await context.used()).document
      return supported === true ? pass() : warn(`authorization_response_iss_parameter_supported: ${quote(supported)}`)
    }
  },
  {
    id: 'as-keys',
    title: 'It publishes keys that verify signatures, and nothing secret',
    clause: 'RFC 7517 §5, §9.2; RFC 8725 §3.1',
    severity: 'must',
    advice: 'Publish at jwks_uri the public half of each signing key: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519. Replace at once a key whose private part was published.',
    run: asKeys
  },
  {
    id: 'as-metadata-cors',
    title: 'A web page can read its metadata',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Origin)',
    severity: 'should',
    advice: 'Send Access-Control-Allow-Origin: * with the metadata: clients in browsers need it.',
    run: async (context) => {
      const { ask, browserOrigin } = context.resource
      const answer = await ask({ url: (await context.used()).url, headers: [['Origin', browserOrigin]] })
      return allowsOrigin(answer, browserOrigin) ? pass() : warn(describeAllowedOrigin(answer))
    }
  },
  {
    id: 'as-token-cors',
    title: 'A web page can use its token endpoint',
    clause: 'Fetch, CORS-preflight fetch',
    severity: 'should',
    advice: 'Allow the origins of clients in browsers at the token endpoint, preflights included. Name the page\'s origin with --origin.',
    run: tokenCors
  }
]

async function asMetadata (context: AuthorizationServerContext): Promise<Outcome> {
  const places = await context.places()
  const found = places.filter(({ kind }) => kind === 'found')
  if (found.length > 0) return pass(found.map(({ form }) => form).join('; '))
  const problems = places.flatMap((place) => place.kind === 'absent' ? [place.problem] : [])
  return fail(problems.length === 0 ? `${quote(context.issuer)} ${refuseNamedUrl(context.issuer, context.resource.url)}` : problems.join('; '))
}

async function asHttps (context: AuthorizationServerContext): Promise<Outcome> {
  const used = (await context.places()).find(({ kind }) => kind === 'found')
  const members = used?.kind === 'found' ? Object.entries(used.document) : []
  const endpoints = members.filter(([name]) => /(_endpoint|^jwks_uri)$/.test(name))
  const open = [['issuer', context.issuer] as const, ...endpoints].filter(([, url]) => typeof url === 'string' && !isConfidential(url))
  return open.length === 0 ? pass() : fail(open.map(([name, url]) => `${quote(name)}: ${quote(url)}`).join(', '))
}

async function asKeys (context: AuthorizationServerContext): Promise<Outcome> {
  const url = endpointOf((await context.used()).document, 'jwks_uri', context)
  if (url === undefined) return skip('there is no jwks_uri: its tokens can only be checked by introspection')
  const answer = await context.resource.ask({ url, headers: [['Accept', 'application/json']] })
  const keys = answer.status === 200 ? parseJsonObject(answer.text)?.['keys'] : undefined
  if (!Array.isArray(keys)) return fail(`${quote(url)} answers ${answer.status}, and no JWK Set`)
  const secret = (keys as readonly unknown[]).filter((key) => PRIVATE_MEMBERS.some((name) => Object.hasOwn(Object(key), name)))
  if (secret.length > 0) return fail(`${secret.length} of ${keys.length} keys with their secret part: anybody can sign with them`)
  const usable = (keys as readonly JsonObject[]).filter(canVerify)
  return usable.length > 0 ? pass(`${usable.length} of ${keys.length}`) : fail(`none of the ${keys.length} keys can be used`)
}

function canVerify (jwk: JsonObject): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    if (jwk['use'] === 'enc') return false
    if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS
    return asymmetricKeyType === 'ed25519' || CURVES.has(asymmetricKeyDetails?.namedCurve)
  } catch {
    return false
  }
}

async function tokenCors (context: AuthorizationServerContext): Promise<Outcome> {
  const url = endpointOf((await context.used()).document, 'token_endpoint', context)
  if (url === undefined) return skip('there is no token endpoint')
  const { ask, browserOrigin } = context.resource
  const headers = [['Origin', browserOrigin], ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', 'content-type']] as const
  const answer = await ask({ method: 'OPTIONS', url, headers })
  if (!isSuccess(answer)) return warn(`OPTIONS answers ${answer.status}`)
  return allowsOrigin(answer, browserOrigin) ? pass() : warn(describeAllowedOrigin(answer))
}
