import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { sendJson } from '../helpers/issuer.js'
import { startSampleServer, type SampleServer } from './sample-server.js'

/** What a Keycloak 26.5 realm publishes of its client scopes before anybody adds one. */
export const KEYCLOAK_SCOPES = [
  'openid', 'acr', 'organization', 'web-origins', 'email', 'basic', 'roles', 'microprofile-jwt', 'offline_access',
  'phone', 'profile', 'address', 'service_account'
]
/** Those that a client of such a realm may ask for; a registration without scope gets them all. */
export const KEYCLOAK_OPTIONAL = ['address', 'phone', 'offline_access', 'organization', 'microprofile-jwt']

type Client = Record<string, unknown>

export interface RegistrationServer extends SampleServer {
  /** What was posted, in order. */
  readonly posted: Client[]
  /** Those that were not deleted, by path. */
  readonly clients: Map<string, Client>
}

export interface RegistrationOptions {
  /** Returns the status and the response to what a client posts; default: 201 and the same. */
  readonly register?: (asked: Client) => readonly [status: number, body: Client]
  /** Members that every response has, or lacks. */
  readonly response?: Client
  readonly deleteStatus?: number
}

const TOKEN = 'registration-token-of-the-test'

/** Starts a protected server whose authorization server registers clients. */
export async function startRegisteringServer (
  t: Test, options: RegistrationOptions = {}
): Promise<RegistrationServer> {
  const { register = (asked) => [201, asked], response: members = {}, deleteStatus = 204 } = options
  const server = { ...await startSampleServer(t), posted: [] as Client[], clients: new Map<string, Client>() }
  const { issuer } = server
  issuer.routes.set('/register', (request, response) => {
    readJson(request).then((asked) => {
      const path = `/clients/${server.posted.push(asked)}`
      const [status, body] = register(asked)
      if (status !== 201) return sendJson(response, body, status)
      server.clients.set(path, body)
      issuer.routes.set(path, (deletion, answer) => {
        const isAllowed = deletion.method === 'DELETE' && deletion.headers.authorization === `Bearer ${TOKEN}`
        const code = isAllowed ? deleteStatus : 401
        if (code === 204) server.clients.delete(path)
        answer.writeHead(code).end()
      })
      const management = { registration_client_uri: issuer.origin + path, registration_access_token: TOKEN }
      sendJson(response, { client_id: path, ...management, ...body, ...members }, 201)
    }, (error: Error) => response.destroy(error))
  })
  return server
}

async function readJson (request: IncomingMessage): Promise<Client> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as Client
}

/** Registers as Keycloak 26.5 does in a realm with these client scopes besides its own. */
export function likeKeycloak (own: readonly string[]): NonNullable<RegistrationOptions['register']> {
  return (asked) => {
    const scopes = String(asked['scope'] ?? '').split(' ').filter((scope) => scope !== '')
    if (scopes.some((scope) => !own.includes(scope) && !KEYCLOAK_SCOPES.includes(scope))) {
      return [403, {
        error: 'insufficient_scope',
        error_description: "Policy 'Allowed Client Scopes' rejected request to client-registration service. " +
          'Details: Not permitted to use specified clientScope'
      }]
    }
    const optional = scopes.length === 0 ? [...KEYCLOAK_OPTIONAL, ...own] : scopes
    return [201, { ...asked, scope: optional.join(' ') }]
  }
}

/** Never answers. */
export function hang (_request: IncomingMessage, _response: ServerResponse): void {}
