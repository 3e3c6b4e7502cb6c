import { isSuccess, NoResponse, parseJsonObject, type JsonObject, type Send } from './exchange.js'
import { quote } from './quote.js'
import { refuseNamedUrl } from './urls.js'

/** What MCP clients send of themselves besides name and scopes (RFC 7591 §2): public, on a loopback host. */
export const CLIENT_METADATA = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none'
} as const

/** What came of a registration. The client is already deleted again, unless `remains` says why not. */
export type Registration =
  | { readonly kind: 'refused', readonly problem: string, readonly remains?: string }
  | { readonly kind: 'registered', readonly document: JsonObject, readonly remains?: string }

const IN_DOUBT = 'a client may have been made'

/** Where clients are registered, on behalf of which examination. */
export interface RegistrationPlace {
  readonly endpoint: string
  readonly examined: URL
  readonly send: Send
}

/** Registers a client (RFC 7591 §3), with these scopes or without any, and deletes it at once (RFC 7592). */
export async function tryRegistration (
  place: RegistrationPlace, scopes: readonly string[]
): Promise<Registration> {
  const scope = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
  try {
    const response = await place.send({
      method: 'POST',
      url: place.endpoint,
      headers: [['Content-Type', 'application/json'], ['Accept', 'application/json']],
      body: JSON.stringify({ client_name: 'postern doctor', ...CLIENT_METADATA, ...scope })
    })
    const document = parseJsonObject(response.text)
    const seen = `answered ${response.status}`
    if (!isSuccess(response)) return { kind: 'refused', problem: seen + describeError(document) }
    const clientId = document?.['client_id']
    if (document === undefined || typeof clientId !== 'string') {
      return { kind: 'refused', problem: `${seen} without a client_id`, remains: IN_DOUBT }
    }
    const problem = await deleteClient(document, place)
    if (problem === undefined) return { kind: 'registered', document }
    return { kind: 'registered', document, remains: `client ${quote(clientId)} is still there: ${problem}` }
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error
    return { kind: 'refused', problem: error.message, remains: IN_DOUBT }
  }
}

/** RFC 7591 §3.2.2. */
function describeError (document: JsonObject | undefined): string {
  const { error, error_description: description } = document ?? {}
  const told = [error, description].filter((text) => typeof text === 'string')
  return told.length === 0 ? '' : `: ${told.map(quote).join(' ')}`
}

/**
 * Deletes a client (RFC 7592 §2.3); returns why that failed. The URL is not quoted: together with the token
 * it may be what gives access to the client.
 */
async function deleteClient (
  { registration_client_uri: uri, registration_access_token: token }: JsonObject,
  { endpoint, examined, send }: RegistrationPlace
): Promise<string | undefined> {
  if (typeof uri !== 'string' || typeof token !== 'string') {
    return 'the response has no registration_client_uri with a registration_access_token'
  }
  const refused = refuseNamedUrl(uri, examined)
  if (refused !== undefined) return `registration_client_uri ${refused}`
  // A server must not have the doctor send DELETE to another one.
  if (new URL(uri).origin !== new URL(endpoint).origin) {
    return 'registration_client_uri is not on the host of the registration endpoint'
  }
  try {
    const headers = [['Authorization', `Bearer ${token}`]] as const
    const response = await send({ method: 'DELETE', url: uri, headers })
    return isSuccess(response) ? undefined : `DELETE is answered ${response.status}`
  } catch (error) {
    if (error instanceof NoResponse) return `DELETE: ${error.message}`
    throw error
  }
}
