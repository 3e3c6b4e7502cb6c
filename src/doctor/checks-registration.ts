import type { AuthorizationServerContext } from './authorization-server.js'
import { fail, mcp, NotApplicable, pass, skip, warn, type Check, type Outcome } from './check.js'
import type { JsonObject } from './exchange.js'
import { quote } from './quote.js'
import { CLIENT_METADATA } from './registration.js'
import { isScope, splitScope } from './resource-scopes.js'

const SELECTION = mcp('basic/authorization', 'Scope Selection Strategy')

/** OpenID Connect Core §5.4, §11. Some servers list these only, whatever else they have. */
const OPENID_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

/** Checks of whether clients get the scopes of the resource. All but the first one register clients. */
export const registrationChecks: ReadonlyArray<Check<AuthorizationServerContext>> = [
  {
    id: 'as-scopes',
    title: 'Its metadata lists the scopes that the resource names',
    clause: `RFC 8414 §2 (scopes_supported); ${SELECTION}`,
    severity: 'should',
    advice: 'Create these scopes at the authorization server (Keycloak: as client scopes of the realm), or ' +
      'name in the challenge and in the protected resource metadata those that it has. Some servers do not ' +
      'list all that they have: --register tells more.',
    run: examineScopes
  },
  {
    id: 'as-register',
    title: 'A client can register with the scopes that the resource names',
    clause: `RFC 7591 §2, §3; ${mcp('basic/authorization/client-registration', 'Client Registration')}`,
    severity: 'must',
    advice: 'Allow clients that nobody knows to register with these scopes and a redirect to a loopback ' +
      'host (Keycloak: realm, client registration policies, Allowed Client Scopes and Trusted Hosts). If ' +
      'clients are not to register themselves, publish no registration_endpoint.',
    run: async (context) => {
      const { scopes, first } = await context.registrations()
      const asked = scopes.length === 0 ? 'without scopes' : quote(scopes.join(' '))
      return first.kind === 'registered' ? pass(asked) : fail(`${asked} is ${first.problem}`)
    }
  },
  {
    id: 'as-register-scopes',
    title: 'The registered client may ask for all of these scopes',
    clause: 'RFC 7591 §2 (scope), §3.2.1',
    severity: 'must',
    advice: 'Let clients register with every scope that the challenge and the metadata of the resource ' +
      'name. They will ask for them, and the login fails or gives a token that is good for nothing.',
    run: async (context) => {
      const { scopes } = await context.registrations()
      if (scopes.length === 0) return skip('the resource names no scopes')
      const registered = scopesIn(await registeredDocument(context))
      if (registered === undefined) return skip('the response does not say which scopes it may ask for')
      const missing = without(scopes, registered)
      if (missing.length === 0) return pass()
      return fail(`registered with ${list(registered)}: without ${list(missing)}`)
    }
  },
  {
    id: 'as-register-bound',
    title: 'A registration with these scopes is not bound to them',
    clause: `RFC 7591 §2 (scope); ${mcp('basic/authorization', 'Scope Challenge Handling')}`,
    severity: 'should',
    advice: 'Such a client cannot ask for more later: a step-up fails. Name in the challenge and in ' +
      'scopes_supported all scopes that clients will ever need (Postern: leave defaultScopes out), or none ' +
      '(Postern: scopes_supported [] as well), so that they register without. Default scopes of the server ' +
      'may be missing, too, with an audience that they add: add it to each scope that the resource names.',
    run: examineBounds
  },
  {
    id: 'as-register-metadata',
    title: 'The rest of the client is registered as it was asked for',
    clause: 'RFC 7591 §3.2.1',
    severity: 'should',
    advice: 'Allow public clients with the authorization code and refresh tokens: MCP clients use what the ' +
      'response says, or give up.',
    run: async (context) => {
      const document = await registeredDocument(context)
      const changed = Object.entries(CLIENT_METADATA)
        .filter(([name, asked]) => isLess(document[name], asked))
        .map(([name]) => `${name}: ${quote(document[name])}`)
      return changed.length === 0 ? pass() : warn(changed.join(', '))
    }
  },
  {
    id: 'as-register-deleted',
    title: 'The registered clients are deleted again',
    clause: 'RFC 7592 §2.3, §3',
    severity: 'should',
    advice: 'Delete the clients named "postern doctor" at the authorization server. It can let clients do ' +
      'that themselves: registration_client_uri and registration_access_token.',
    run: async (context) => {
      const { first, plain } = await context.registrations()
      const remains = [first, plain].flatMap((one) => one?.remains ?? [])
      if (remains.length > 0) return warn(remains.join('; '))
      return first.kind === 'registered' ? pass() : skip('none was registered')
    }
  }
]

async function examineScopes (context: AuthorizationServerContext): Promise<Outcome> {
  const { scopes_supported: supported } = (await context.used()).document
  const { challenged, published } = await context.scopes()
  const named = [...new Set([...challenged, ...published])]
  if (named.length === 0) return skip('the resource names no scopes')
  if (!Array.isArray(supported)) return skip('its metadata has no scopes_supported')
  const known = supported.filter(isScope)
  if (without(known, OPENID_SCOPES).length === 0) {
    return skip('its scopes_supported lists only those of OpenID Connect')
  }
  const missing = without(named, known)
  if (missing.length === 0) return pass(list(named))
  return warn(`not in its scopes_supported: ${list(missing)}`)
}

/** Scopes that a client cannot ask for because it registered with the first ones. */
async function examineBounds (context: AuthorizationServerContext): Promise<Outcome> {
  const { scopes, plain } = await context.registrations()
  if (scopes.length === 0) return skip('the resource names no scopes')
  const registered = scopesIn(await registeredDocument(context))
  if (registered === undefined) return skip('the response does not say which scopes it may ask for')
  const others = without((await context.scopes()).published, [...registered, ...scopes])
  const usual = plain?.kind === 'registered' ? without(scopesIn(plain.document) ?? [], registered) : []
  const lost = [
    ...others.length === 0 ? [] : [`the metadata of the resource also names ${list(others)}`],
    ...usual.length === 0 ? [] : [`a client that registers without scopes also gets ${list(usual)}`]
  ]
  if (lost.length > 0) return warn(`it may ask for ${list(registered)} only; ${lost.join('; ')}`)
  return pass()
}

async function registeredDocument (context: AuthorizationServerContext): Promise<JsonObject> {
  const { first } = await context.registrations()
  if (first.kind === 'registered') return first.document
  throw new NotApplicable('no client was registered')
}

function scopesIn ({ scope }: JsonObject): readonly string[] | undefined {
  return typeof scope === 'string' ? splitScope(scope) : undefined
}

/** Tells whether something that was asked for is missing. What a response leaves out may be as asked. */
function isLess (registered: unknown, asked: string | readonly string[]): boolean {
  if (registered === undefined) return false
  if (typeof asked === 'string') return registered !== asked
  return !Array.isArray(registered) || asked.some((value) => !registered.includes(value))
}

function without (scopes: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others)
  return scopes.filter((scope) => !known.has(scope))
}

function list (scopes: readonly string[]): string {
  return quote(scopes.join(' '))
}
