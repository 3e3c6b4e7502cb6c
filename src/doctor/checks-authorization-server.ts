import { createPublicKey } from 'node:crypto'
import { endpointOf, type AuthorizationServerContext } from './authorization-server.js'
import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import { expectPreflight, expectReadable, sendPreflight } from './cors.js'
import { parseJsonObject, type JsonObject } from './exchange.js'
import { quote } from './quote.js'
import { isConfidential, refuseNamedUrl } from './urls.js'

const DISCOVERY = mcp(
  'basic/authorization/authorization-server-discovery', 'Authorization Server Metadata Discovery'
)
const SECURITY = 'basic/authorization/security-considerations'

/** Shorter RSA keys must not be used (NIST SP 800-57, RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048
const CURVES: ReadonlySet<unknown> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'k', 'priv']

/** Checks of each authorization server that the resource names. */
export const authorizationServerChecks: ReadonlyArray<Check<AuthorizationServerContext>> = [
  {
    id: 'as-metadata',
    title: 'Its metadata is found where clients look',
    clause: `${DISCOVERY}; RFC 8414 §3`,
    severity: 'must',
    advice: 'Serve RFC 8414 or OpenID Connect metadata, without credentials, at one of the well-known URLs ' +
      'of the issuer. If it is there, name the issuer in "authorization_servers" as its own metadata ' +
      'spells it.',
    run: examineMetadata
  },
  {
    id: 'as-issuer',
    title: 'The metadata has exactly this issuer',
    clause: `RFC 8414 §3.3; ${DISCOVERY}`,
    severity: 'must',
    advice: 'Put into "authorization_servers" the issuer exactly as the metadata spells it, including a ' +
      'slash at the end. If the two differ, clients must not use the document.',
    run: async (context) => {
      const { issuer } = (await context.used()).document
      if (issuer === context.issuer) return pass()
      return fail(`the metadata has the issuer ${quote(issuer)} (expected ${quote(context.issuer)})`)
    }
  },
  {
    id: 'as-https',
    title: 'Its issuer and endpoints are https, or on a loopback host',
    clause: mcp(SECURITY, 'Communication Security'),
    severity: 'must',
    advice: 'Serve the authorization server over TLS. If a proxy ends TLS for it, tell it its public URL.',
    run: examineConfidentiality
  },
  {
    id: 'as-endpoints',
    title: 'It has an authorization endpoint and a token endpoint',
    clause: 'RFC 8414 §2',
    severity: 'must',
    advice: 'Publish authorization_endpoint and token_endpoint: clients log in with an authorization code.',
    run: async (context) => {
      const { document } = await context.used()
      const names = ['authorization_endpoint', 'token_endpoint']
      const missing = names.filter((name) => !URL.canParse(String(document[name])))
      return missing.length === 0 ? pass() : fail(`missing: ${missing.join(', ')}`)
    }
  },
  {
    id: 'as-pkce',
    title: 'It supports PKCE with S256, and says so',
    clause: mcp(SECURITY, 'Authorization Code Protection'),
    severity: 'must',
    advice: 'Publish code_challenge_methods_supported with "S256". Clients must stop without it, even if ' +
      'the authorization server supports PKCE.',
    run: async (context) => {
      const { code_challenge_methods_supported: methods } = (await context.used()).document
      if (Array.isArray(methods) && methods.includes('S256')) return pass()
      return fail(`code_challenge_methods_supported: ${quote(methods)}`)
    }
  },
  {
    id: 'as-registration',
    title: 'Clients can register: by a metadata document or dynamically',
    clause: mcp('basic/authorization/client-registration', 'Client Registration'),
    severity: 'should',
    advice: 'Switch on Client ID Metadata Documents, or dynamic client registration for older clients. ' +
      'Without either, people have to register every client by hand.',
    run: async (context) => {
      const { document } = await context.used()
      const ways = [
        ...document['client_id_metadata_document_supported'] === true ? ['metadata documents'] : [],
        ...typeof document['registration_endpoint'] === 'string' ? ['dynamic registration'] : []
      ]
      if (ways.length > 0) return pass(ways.join(', '))
      return warn('neither client_id_metadata_document_supported nor registration_endpoint')
    }
  },
  {
    id: 'as-iss-parameter',
    title: 'It names itself in authorization responses',
    clause: `RFC 9207 §2, §3; ${mcp('basic/authorization', 'Authorization Response Validation')}`,
    severity: 'should',
    advice: 'Send iss with every authorization response, and publish ' +
      'authorization_response_iss_parameter_supported: true. It keeps clients with several authorization ' +
      'servers from mixing them up.',
    run: async (context) => {
      const { authorization_response_iss_parameter_supported: supported } = (await context.used()).document
      if (supported === true) return pass()
      return warn(`authorization_response_iss_parameter_supported: ${quote(supported)}`)
    }
  },
  {
    id: 'as-keys',
    title: 'It publishes keys that verify signatures, and nothing secret',
    clause: 'RFC 7517 §5, §9.2; RFC 8725 §3.1',
    severity: 'must',
    advice: 'Publish at jwks_uri the public half of each signing key: RSA of 2048 bits or more, P-256, ' +
      'P-384, P-521 or Ed25519. If the private half of a key was published, replace that key at once.',
    run: examineKeys
  },
  {
    id: 'as-metadata-cors',
    title: 'A web page can read its metadata',
    clause: 'Fetch, CORS protocol (Access-Control-Allow-Origin)',
    severity: 'should',
    advice: 'Send Access-Control-Allow-Origin: * with the metadata: clients in browsers need it.',
    run: async (context) => {
      const { send, browserOrigin } = context.resource
      const response = await send({ url: (await context.used()).url, headers: [['Origin', browserOrigin]] })
      return expectReadable(response, browserOrigin)
    }
  },
  {
    id: 'as-token-cors',
    title: 'A web page can use its token endpoint',
    clause: 'Fetch, CORS-preflight fetch',
    severity: 'should',
    advice: 'Allow the origins of clients in browsers at the token endpoint, preflights included. Name the ' +
      'page\'s origin with --origin.',
    run: examineTokenCors
  }
]

async function examineMetadata (context: AuthorizationServerContext): Promise<Outcome> {
  const places = await context.places()
  const found = places.filter(({ kind }) => kind === 'found')
  if (found.length > 0) return pass(found.map(({ form }) => form).join('; '))
  const problems = places.flatMap((place) => place.kind === 'absent' ? [place.problem] : [])
  if (problems.length > 0) return fail(problems.join('; '))
  return fail(`${quote(context.issuer)} ${refuseNamedUrl(context.issuer, context.resource.url)}`)
}

async function examineConfidentiality (context: AuthorizationServerContext): Promise<Outcome> {
  const used = (await context.places()).find((place) => place.kind === 'found')
  const endpoints = Object.entries(used?.document ?? {})
    .filter(([name]) => /(_endpoint|^jwks_uri)$/.test(name))
  const open = [['issuer', context.issuer] as const, ...endpoints]
    .filter(([, url]) => typeof url === 'string' && !isConfidential(url))
  if (open.length === 0) return pass()
  return fail(open.map(([name, url]) => `${quote(name)}: ${quote(url)}`).join(', '))
}

async function examineKeys (context: AuthorizationServerContext): Promise<Outcome> {
  const url = endpointOf((await context.used()).document, 'jwks_uri', context.resource)
  if (url === undefined) return skip('there is no jwks_uri: only introspection can verify its tokens')
  const response = await context.resource.send({ url, headers: [['Accept', 'application/json']] })
  const keys = response.status === 200 ? parseJsonObject(response.text)?.['keys'] : undefined
  if (!Array.isArray(keys)) return fail(`${quote(url)} is answered ${response.status}, without a JWK Set`)
  const secret = keys.filter((key) => PRIVATE_MEMBERS.some((name) => Object.hasOwn(Object(key), name)))
  if (secret.length > 0) {
    return fail(`${secret.length} of ${keys.length} keys have their private part: anybody can sign with them`)
  }
  const usable = (keys as readonly JsonObject[]).filter(canVerify)
  if (usable.length === 0) return fail(`none of the ${keys.length} keys can be used`)
  return pass(`${usable.length} of ${keys.length}`)
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

async function examineTokenCors (context: AuthorizationServerContext): Promise<Outcome> {
  const url = endpointOf((await context.used()).document, 'token_endpoint', context.resource)
  if (url === undefined) return skip('there is no token endpoint')
  const { send, browserOrigin } = context.resource
  return expectPreflight(await sendPreflight(send, url, browserOrigin, ['content-type']), browserOrigin)
}
