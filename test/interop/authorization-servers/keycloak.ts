import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Closing } from '../../helpers/closing.js'
import { findFreePort } from '../../helpers/ports.js'
import { PASSWORD } from '../../helpers/login-form.js'
import type { Page } from '../clients/chromium.js'
import { runServer } from '../server-process.js'
import { SCOPES, type AuthorizationServerKind, type Issuer } from './authorization-server.js'
import { findKeycloak, KEYCLOAK } from './keycloak-program.js'

/** Keycloak builds itself at its first start. */
const START_LIMIT_MS = 300_000
const ADMIN = { username: 'admin', password: 'admin' }
/** The hosts of the clients' redirect URIs, and that of the page that mcp-remote names as its own. */
const TRUSTED = ['localhost', '127.0.0.1', 'github.com']
/** A client that is told no scopes may ask for all that the realm publishes; these are not among its own. */
const ASKED_BESIDES = ['openid', 'service_account']

/** Keycloak with a realm for each resource, which is set up as docs/authorization-servers.md says. */
export function listKeycloaks (): readonly AuthorizationServerKind[] {
  return [
    createKind('all', {}),
    createKind('none', { metadata: { scopes_supported: [] } })
  ]
}

function createKind (told: 'all' | 'none', server: object): AuthorizationServerKind {
  return {
    title: `Keycloak ${KEYCLOAK}, clients are told ${told === 'all' ? 'all scopes' : 'no scopes'}`,
    registration: 'dynamic',
    told,
    settings: { server, entry: {} },
    async start (closing, { names, folder, signal }) {
      await takeTurn(closing)
      const origin = await startKeycloak(closing, await findKeycloak(signal), folder)
      let realms = 0
      return {
        protect: (resource) => createRealm(new Admin(origin), { realm: `tools-${++realms}`, resource, names })
      }
    }
  }
}

let lastTurn = Promise.resolve()

/** Keycloak builds itself in its own folder, so that only one can run at a time. */
async function takeTurn (closing: Closing): Promise<void> {
  const turn = lastTurn
  lastTurn = new Promise((resolve) => { closing.after(resolve) })
  await turn
}

async function startKeycloak (closing: Closing, program: string, folder: string): Promise<string> {
  const port = await findFreePort()
  const origin = `http://127.0.0.1:${port}`
  const command = [
    join(program, 'bin/kc.sh'), 'start-dev', '--db', 'dev-mem', '--http-host', '127.0.0.1',
    '--http-port', `${port}`
  ]
  const env = { KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username, KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password }
  await runServer(closing, command, { port, env, cwd: folder, startLimitMs: START_LIMIT_MS })
  // It listens a little before its first realm is there.
  const isReady = async (): Promise<boolean> => (await fetch(`${origin}/realms/master`)).ok
  while (!await isReady()) await sleep(200)
  return origin
}

interface Realm {
  readonly realm: string
  readonly resource: string
  readonly names: readonly string[]
}

async function createRealm (admin: Admin, { realm, resource, names }: Realm): Promise<Issuer> {
  // Known beforehand, because they are the subjects of tokens.
  const ids = new Map(names.map((name) => [name, randomUUID()]))
  const users = [...ids].map(([name, id]) => describeUser(realm, name, id))
  await admin.send('POST', '', { realm, enabled: true, users })
  await createScope(admin, `${realm}/default-default-client-scopes`, { realm, resource, name: SCOPES.first })
  await createScope(admin, `${realm}/default-optional-client-scopes`, { realm, resource, name: SCOPES.more })
  await letRegister(admin, realm)
  return { issuer: `${admin.origin}/realms/${realm}`, subjectOf: (name) => ids.get(name) ?? '', signIn }
}

function describeUser (realm: string, name: string, id: string): object {
  return {
    id,
    username: name,
    enabled: true,
    firstName: 'Some',
    lastName: 'Body',
    email: `${name}@example.com`,
    credentials: [{ type: 'password', value: PASSWORD }],
    realmRoles: [`default-roles-${realm}`]
  }
}

async function createScope (
  admin: Admin, list: string, { realm, resource, name }: { realm: string, resource: string, name: string }
): Promise<void> {
  const id = `${realm}-${name}`
  await admin.send('POST', `${realm}/client-scopes`, {
    id,
    name,
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
    protocolMappers: [{
      name: 'audience',
      protocol: 'openid-connect',
      protocolMapper: 'oidc-audience-mapper',
      config: { 'included.custom.audience': resource, 'access.token.claim': 'true' }
    }]
  })
  await admin.send('PUT', `${list}/${id}`)
}

/** Lets programs on people's machines register, whatever their own address. */
async function letRegister (admin: Admin, realm: string): Promise<void> {
  await changePolicy(admin, realm, 'Trusted Hosts', {
    'host-sending-registration-request-must-match': ['false'],
    'trusted-hosts': TRUSTED
  })
  await changePolicy(admin, realm, 'Allowed Client Scopes', { 'allowed-client-scopes': ASKED_BESIDES })
}

async function changePolicy (admin: Admin, realm: string, name: string, config: object): Promise<void> {
  const found = await admin.send('GET', `${realm}/components?name=${encodeURIComponent(name)}`)
  const policies = await found.json() as ReadonlyArray<{ id: string, subType: string, config: object }>
  for (const policy of policies.filter(({ subType }) => subType === 'anonymous')) {
    await admin.send('PUT', `${realm}/components/${policy.id}`, {
      ...policy, config: { ...policy.config, ...config }
    })
  }
}

async function signIn (page: Page, name: string): Promise<void> {
  const yes = page.getByRole('button', { name: 'Yes' })
  const login = page.getByRole('button', { name: 'Sign In' })
  await Promise.any([yes.waitFor(), login.waitFor()])
  if (await login.isVisible()) {
    await page.getByRole('textbox', { name: 'Username or email' }).fill(name)
    await page.locator('#password').fill(PASSWORD)
    await login.click()
  }
  await yes.click()
}

/** The administration interface. */
class Admin {
  constructor (readonly origin: string) {}

  /** Throws for a response that is not a success. */
  async send (method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${this.origin}/admin/realms/${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.#fetchToken()}`, 'content-type': 'application/json' },
      ...body === undefined ? {} : { body: JSON.stringify(body) }
    })
    if (!response.ok) throw new Error(`Keycloak: ${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  /** It is valid for a minute only. */
  async #fetchToken (): Promise<string> {
    const response = await fetch(`${this.origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMIN })
    })
    return (await response.json() as { access_token: string }).access_token
  }
}
