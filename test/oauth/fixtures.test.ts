import t from 'tap'
import type { AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import type { ServerConfig } from '../../src/options/server.js'
import { createTestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { sendJson, startIssuer } from '../helpers/issuer.js'
import { createSigningKey } from '../helpers/keys.js'
import { setUp } from './setup.js'

/** Tokens and metadata as real authorization servers make them: a token goes in, a principal comes out. */
interface Fixture {
  readonly issuer: string
  /** What the authorization server serves, by URL; `keys` stands for the key set. */
  readonly documents: Readonly<Record<string, unknown>>
  readonly as?: Partial<AuthorizationServerConfig>
  readonly server?: Partial<ServerConfig>
  readonly accepted: Readonly<Record<string, {
    readonly header?: Record<string, unknown>
    readonly claims: Record<string, unknown>
    readonly principal: { issuer: string, subject: string, clientId?: string, scopes: readonly string[] }
  }>>
  /** Tokens that the same authorization server issues for something else. */
  readonly refused: Readonly<Record<string, {
    readonly header?: Record<string, unknown>,
    readonly claims: Record<string, unknown>,
    readonly reason: RegExp
  }>>
}

const clock = createTestClock()
const NOW = clock.now() / 1000
const times = { iat: NOW - 10, nbf: NOW - 10, exp: NOW + 3_590 }
const key = await createSigningKey('RS256', 'kid-1')
const encryptionKey = { ...(await createSigningKey('RS256', 'enc-1')).jwk, use: 'enc', alg: 'RSA-OAEP' }
const keys = { keys: [encryptionKey, key.jwk] }

const ENV = 'https://acme.scalekit.dev'
const RES = 'res_68912345'
const scalekitTimes = { iat: times.iat, nbf: times.nbf, exp: times.exp }
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const AUTH0 = 'https://acme.eu.auth0.com/'
const OKTA = 'https://acme.okta.com/oauth2/aus1a2b3c4'
const ENTRA_APP = '8b5cbb23-4a2c-4f7e-9d1a-0c6a1f7b9e55'
const KEYCLOAK = 'https://sso.acme.example/realms/tools'
const COGNITO = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf'
const DEX = 'https://dex.acme.example'
const ZITADEL = 'https://acme.zitadel.cloud'
const MCP = 'https://mcp.acme.example/mcp'

const FIXTURES: Record<string, Fixture> = {
  'Scalekit, before and after its issuer moves': {
    issuer: ENV,
    documents: { [`${ENV}/keys`]: keys },
    as: { issuers: [`${ENV}/resources/${RES}`], advertise: `${ENV}/resources/${RES}`, jwksUri: `${ENV}/keys` },
    server: { resource: MCP, audience: [RES, MCP] },
    accepted: {
      'the environment as issuer, a scopes array': {
        claims: { ...scalekitTimes, iss: ENV, sub: 'usr_1', aud: [MCP, RES], client_id: 'skc_1', scopes: ['todo:read', 'todo:write'], jti: 'tkn_1', oid: 'org_1', roles: ['member'], permissions: ['p'] },
        principal: { issuer: ENV, subject: 'usr_1', clientId: 'skc_1', scopes: ['todo:read', 'todo:write'] }
      },
      'the resource as issuer, a scope string': {
        claims: { ...scalekitTimes, iss: `${ENV}/resources/${RES}`, sub: 'usr_1', aud: [RES], client_id: 'skc_1', scope: 'todo:read', jti: 'tkn_2' },
        principal: { issuer: `${ENV}/resources/${RES}`, subject: 'usr_1', clientId: 'skc_1', scopes: ['todo:read'] }
      },
      'a client of its own': {
        claims: { ...scalekitTimes, iss: ENV, sub: 'm2m_1', client_id: 'm2m_1', aud: [RES], scopes: ['todo:read'], oid: 'org_1' },
        principal: { issuer: ENV, subject: 'm2m_1', clientId: 'm2m_1', scopes: ['todo:read'] }
      }
    },
    refused: {
      'a token of the same environment without audience': { claims: { ...scalekitTimes, iss: ENV, sub: 'm2m_1', client_id: 'm2m_1', scopes: ['todo:read'] }, reason: /no audience/ },
      'a token for another resource of the environment': { claims: { ...scalekitTimes, iss: ENV, sub: 'usr_1', aud: ['res_other'] }, reason: /another audience/ },
      'another resource as issuer': { claims: { ...scalekitTimes, iss: `${ENV}/resources/res_other`, sub: 'usr_1', aud: [RES] }, reason: /issuer is not configured/ }
    }
  },
  'Scalekit, discovered through the resource': {
    issuer: `${ENV}/resources/${RES}`,
    documents: {
      [`${ENV}/.well-known/oauth-authorization-server/resources/${RES}`]: { issuer: `${ENV}/resources/${RES}`, jwks_uri: `${ENV}/keys` },
      [`${ENV}/keys`]: keys
    },
    server: { resource: MCP, audience: [RES, MCP] },
    accepted: {
      'the resource as issuer': {
        claims: { ...scalekitTimes, iss: `${ENV}/resources/${RES}`, sub: 'usr_1', aud: [RES, MCP], client_id: 'skc_1', scope: 'todo:read' },
        principal: { issuer: `${ENV}/resources/${RES}`, subject: 'usr_1', clientId: 'skc_1', scopes: ['todo:read'] }
      }
    },
    refused: { 'the environment as issuer': { claims: { ...scalekitTimes, iss: ENV, sub: 'usr_1', aud: [RES] }, reason: /issuer is not configured/ } }
  },
  Auth0: {
    issuer: AUTH0,
    documents: {
      'https://acme.eu.auth0.com/.well-known/openid-configuration': { issuer: AUTH0, jwks_uri: 'https://acme.eu.auth0.com/.well-known/jwks.json' },
      'https://acme.eu.auth0.com/.well-known/jwks.json': keys
    },
    server: { resource: MCP },
    accepted: {
      "Auth0's own profile": {
        header: { typ: 'JWT' },
        claims: { iss: AUTH0, sub: 'auth0|123456', aud: [MCP, 'https://acme.eu.auth0.com/userinfo'], iat: times.iat, exp: times.exp, azp: 'my_client', scope: 'openid profile todo:read', permissions: ['todo:read'] },
        principal: { issuer: AUTH0, subject: 'auth0|123456', clientId: 'my_client', scopes: ['openid', 'profile', 'todo:read'] }
      },
      'the RFC 9068 profile': {
        header: { typ: 'at+jwt' },
        claims: { iss: AUTH0, sub: 'my_client@clients', aud: MCP, iat: times.iat, exp: times.exp, scope: 'todo:read', client_id: 'my_client', jti: 'j' },
        principal: { issuer: AUTH0, subject: 'my_client@clients', clientId: 'my_client', scopes: ['todo:read'] }
      }
    },
    refused: {
      'an ID token': { claims: { iss: AUTH0, sub: 'auth0|123456', aud: 'my_client', iat: times.iat, exp: times.exp, nonce: 'n' }, reason: /another audience/ },
      'the issuer without its slash': { claims: { iss: 'https://acme.eu.auth0.com', sub: 'a', aud: MCP, exp: times.exp }, reason: /issuer is not configured/ }
    }
  },
  'Okta, a custom authorization server': {
    issuer: OKTA,
    documents: {
      'https://acme.okta.com/.well-known/oauth-authorization-server/oauth2/aus1a2b3c4': { issuer: OKTA, jwks_uri: `${OKTA}/v1/keys` },
      [`${OKTA}/v1/keys`]: keys
    },
    server: { resource: MCP, audience: ['api://todo'] },
    accepted: {
      'a token for a user': {
        claims: { ver: 1, jti: 'AT.1', iss: OKTA, aud: 'api://todo', iat: times.iat, exp: times.exp, cid: '0oa1', uid: '00u1', scp: ['todo:read', 'todo:write'], sub: 'alice@acme.example' },
        principal: { issuer: OKTA, subject: 'alice@acme.example', clientId: '0oa1', scopes: ['todo:read', 'todo:write'] }
      }
    },
    refused: {
      'a token of the org authorization server': { claims: { ver: 1, iss: 'https://acme.okta.com', aud: 'https://acme.okta.com', exp: times.exp, sub: 'alice', cid: '0oa1', scp: ['openid'] }, reason: /issuer is not configured/ }
    }
  },
  'Entra ID, version 2 tokens': {
    issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    documents: {
      [`https://login.microsoftonline.com/${TENANT}/v2.0/.well-known/openid-configuration`]: { issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`, jwks_uri: `https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys` },
      [`https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`]: keys
    },
    as: { scopeClaim: ['scp', 'roles'] },
    server: { resource: MCP, audience: [ENTRA_APP] },
    accepted: {
      'on behalf of a user': {
        header: { typ: 'JWT', x5t: 'kid-1' },
        claims: { ...times, aud: ENTRA_APP, iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, aio: 'a', azp: 'd3590ed6', azpacr: '0', name: 'Alice', oid: 'o-1', scp: 'todo.read todo.write', sub: 's-1', tid: TENANT, uti: 'u', ver: '2.0' },
        principal: { issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`, subject: 's-1', clientId: 'd3590ed6', scopes: ['todo.read', 'todo.write'] }
      },
      'an application by itself': {
        header: { typ: 'JWT' },
        claims: { ...times, aud: ENTRA_APP, iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, azp: 'd3590ed6', idtyp: 'app', oid: 'o-2', roles: ['Todo.Read.All'], sub: 'o-2', tid: TENANT, ver: '2.0' },
        principal: { issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`, subject: 'o-2', clientId: 'd3590ed6', scopes: ['Todo.Read.All'] }
      }
    },
    refused: {
      'a token of another tenant': { claims: { ...times, aud: ENTRA_APP, iss: 'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0', sub: 's' }, reason: /issuer is not configured/ },
      'a token for Microsoft Graph': { claims: { ...times, aud: '00000003-0000-0000-c000-000000000000', iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, sub: 's', scp: 'todo.read' }, reason: /another audience/ }
    }
  },
  'Entra ID, version 1 tokens': {
    issuer: `https://sts.windows.net/${TENANT}/`,
    documents: {
      [`https://login.microsoftonline.com/${TENANT}/.well-known/openid-configuration`]: { issuer: `https://sts.windows.net/${TENANT}/`, jwks_uri: 'https://login.microsoftonline.com/common/discovery/keys' },
      'https://login.microsoftonline.com/common/discovery/keys': keys
    },
    as: { metadataUrl: `https://login.microsoftonline.com/${TENANT}/.well-known/openid-configuration` },
    server: { resource: MCP, audience: [`api://${ENTRA_APP}`] },
    accepted: {
      'on behalf of a user': {
        header: { typ: 'JWT', x5t: 'kid-1' },
        claims: { ...times, aud: `api://${ENTRA_APP}`, iss: `https://sts.windows.net/${TENANT}/`, acr: '1', appid: 'd3590ed6', appidacr: '0', oid: 'o-1', scp: 'todo.read', sub: 's-1', tid: TENANT, ver: '1.0' },
        principal: { issuer: `https://sts.windows.net/${TENANT}/`, subject: 's-1', clientId: 'd3590ed6', scopes: ['todo.read'] }
      }
    },
    refused: {
      'a version 2 token': { claims: { ...times, aud: ENTRA_APP, iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, sub: 's' }, reason: /issuer is not configured/ }
    }
  },
  Keycloak: {
    issuer: KEYCLOAK,
    documents: {
      [`${KEYCLOAK}/.well-known/openid-configuration`]: { issuer: KEYCLOAK, jwks_uri: `${KEYCLOAK}/protocol/openid-connect/certs` },
      [`${KEYCLOAK}/protocol/openid-connect/certs`]: keys
    },
    server: { resource: MCP },
    accepted: {
      'a token with an audience mapper': {
        header: { typ: 'JWT' },
        claims: { exp: times.exp, iat: times.iat, jti: 'onrtac:1', iss: KEYCLOAK, aud: [MCP, 'account'], sub: 'f:1:alice', typ: 'Bearer', azp: 'mcp-client', sid: 's', acr: '1', 'allowed-origins': ['*'], realm_access: { roles: ['offline_access', 'admin'] }, scope: 'profile todo:read', preferred_username: 'alice' },
        principal: { issuer: KEYCLOAK, subject: 'f:1:alice', clientId: 'mcp-client', scopes: ['profile', 'todo:read'] }
      },
      'a token with nonce, as older realms make it': {
        header: { typ: 'JWT' },
        claims: {
          exp: times.exp,
          iat: times.iat,
          auth_time: times.iat,
          iss: KEYCLOAK,
          aud: [MCP, 'account'],
          sub: 'f:1:alice',
          typ: 'Bearer',
          azp: 'mcp-client',
          nonce: 'n',
          session_state: 's',
          scope: 'todo:read'
        },
        principal: { issuer: KEYCLOAK, subject: 'f:1:alice', clientId: 'mcp-client', scopes: ['todo:read'] }
      },
      'a lightweight RFC 9068 token': {
        header: { typ: 'at+jwt' },
        claims: { exp: times.exp, iat: times.iat, iss: KEYCLOAK, aud: MCP, sub: 'alice', client_id: 'mcp-client', azp: 'mcp-client', scope: 'todo:read' },
        principal: { issuer: KEYCLOAK, subject: 'alice', clientId: 'mcp-client', scopes: ['todo:read'] }
      }
    },
    refused: {
      'a user whose client lacks the client scope basic': { claims: { exp: times.exp, iat: times.iat, iss: KEYCLOAK, aud: MCP, typ: 'Bearer', azp: 'mcp-client', sid: 's', scope: 'todo:read', preferred_username: 'alice' }, reason: /no subject.*client scope "basic"/ },
      'a token without audience mapper': { claims: { exp: times.exp, iss: KEYCLOAK, aud: 'account', sub: 'alice', typ: 'Bearer', azp: 'mcp-client' }, reason: /another audience/ },
      'an ID token': { claims: { exp: times.exp, iss: KEYCLOAK, aud: MCP, sub: 'alice', typ: 'ID', azp: 'mcp-client' }, reason: /not an access token/ },
      'a logout token': { header: { typ: 'logout+jwt' }, claims: { exp: times.exp, iss: KEYCLOAK, aud: MCP, sub: 'alice', typ: 'Logout' }, reason: /not an access token/ }
    }
  },
  'Keycloak, realm roles as scopes': {
    issuer: KEYCLOAK,
    documents: {
      [`${KEYCLOAK}/.well-known/openid-configuration`]: { issuer: KEYCLOAK, jwks_uri: `${KEYCLOAK}/protocol/openid-connect/certs` },
      [`${KEYCLOAK}/protocol/openid-connect/certs`]: keys
    },
    as: { scopeClaim: ['realm_access.roles'] },
    server: { resource: MCP },
    accepted: {
      'a token with roles': {
        claims: { exp: times.exp, iss: KEYCLOAK, aud: MCP, sub: 'alice', azp: 'c', realm_access: { roles: ['todo-admin', 'uma_authorization'] }, scope: 'todo:read' },
        principal: { issuer: KEYCLOAK, subject: 'alice', clientId: 'c', scopes: ['todo-admin', 'uma_authorization'] }
      }
    },
    refused: {}
  },
  Dex: {
    issuer: DEX,
    documents: {
      [`${DEX}/.well-known/openid-configuration`]: { issuer: DEX, jwks_uri: `${DEX}/keys` },
      [`${DEX}/keys`]: keys
    },
    as: { scopeClaim: ['groups'] },
    server: { resource: MCP, audience: ['todo'] },
    accepted: {
      'a token for the trusted peer "todo"': {
        claims: {
          iss: DEX,
          sub: 'CgVhbGljZRIFbG9jYWw',
          aud: ['todo', 'mcp-cli'],
          azp: 'mcp-cli',
          exp: times.exp,
          iat: times.iat,
          nonce: 'n',
          at_hash: 'h',
          email: 'alice@acme.example',
          groups: ['readers']
        },
        principal: { issuer: DEX, subject: 'CgVhbGljZRIFbG9jYWw', clientId: 'mcp-cli', scopes: ['readers'] }
      },
      'a token for the client "todo" itself': {
        claims: { iss: DEX, sub: 'CgVh', aud: 'todo', exp: times.exp, iat: times.iat, at_hash: 'h', groups: ['readers'] },
        principal: { issuer: DEX, subject: 'CgVh', scopes: ['readers'] }
      }
    },
    refused: {
      'a token for another client': {
        claims: { iss: DEX, sub: 'CgVh', aud: 'other', exp: times.exp, iat: times.iat, at_hash: 'h', groups: ['readers'] },
        reason: /another audience/
      }
    }
  },
  'Zitadel, roles as scopes': {
    issuer: ZITADEL,
    documents: {
      [`${ZITADEL}/.well-known/openid-configuration`]: { issuer: ZITADEL, jwks_uri: `${ZITADEL}/oauth/v2/keys` },
      [`${ZITADEL}/oauth/v2/keys`]: keys
    },
    as: { scopeClaim: ['urn:zitadel:iam:org:project:roles'] },
    server: { resource: MCP, audience: ['281234567890123456'] },
    accepted: {
      'a token with the roles of a project': {
        claims: {
          ...times,
          iss: ZITADEL,
          sub: '2899',
          aud: ['2812@todo', '281234567890123456'],
          client_id: '2812@todo',
          jti: 'j',
          'urn:zitadel:iam:org:project:roles': { reader: { 2811: 'acme.zitadel.cloud' } }
        },
        principal: { issuer: ZITADEL, subject: '2899', clientId: '2812@todo', scopes: ['reader'] }
      }
    },
    refused: {}
  },
  Cognito: {
    issuer: COGNITO,
    documents: {
      [`${COGNITO}/.well-known/openid-configuration`]: { issuer: COGNITO, jwks_uri: `${COGNITO}/.well-known/jwks.json` },
      [`${COGNITO}/.well-known/jwks.json`]: keys
    },
    as: { clientIds: ['7abcdef'] },
    server: { resource: MCP },
    accepted: {
      'a token for a user': {
        claims: { sub: 'u-1', 'cognito:groups': ['admins'], iss: COGNITO, version: 2, client_id: '7abcdef', origin_jti: 'o', token_use: 'access', scope: 'todo-api/todo.read openid', auth_time: times.iat, exp: times.exp, iat: times.iat, jti: 'j', username: 'alice' },
        principal: { issuer: COGNITO, subject: 'u-1', clientId: '7abcdef', scopes: ['todo-api/todo.read', 'openid'] }
      },
      'client credentials': {
        claims: { sub: '7abcdef', iss: COGNITO, version: 2, client_id: '7abcdef', token_use: 'access', scope: 'todo-api/todo.read', exp: times.exp, iat: times.iat },
        principal: { issuer: COGNITO, subject: '7abcdef', clientId: '7abcdef', scopes: ['todo-api/todo.read'] }
      },
      'a token that is bound to the resource': {
        claims: { sub: 'u-1', iss: COGNITO, aud: MCP, client_id: '7abcdef', token_use: 'access', scope: 'todo-api/todo.read', exp: times.exp },
        principal: { issuer: COGNITO, subject: 'u-1', clientId: '7abcdef', scopes: ['todo-api/todo.read'] }
      }
    },
    refused: {
      'a token of another app client of the pool': { claims: { sub: 'u-1', iss: COGNITO, client_id: '9other', token_use: 'access', scope: 'x', exp: times.exp }, reason: /another client/ },
      'an ID token': { claims: { sub: 'u-1', iss: COGNITO, aud: '7abcdef', token_use: 'id', exp: times.exp }, reason: /not an access token/ },
      'a token that is bound to another resource': { claims: { sub: 'u-1', iss: COGNITO, aud: 'https://other.example', client_id: '7abcdef', token_use: 'access', exp: times.exp }, reason: /another audience/ }
    }
  }
}

for (const [name, fixture] of Object.entries(FIXTURES)) {
  t.test(`A2: ${name}`, async (t) => {
    const host = await startIssuer(t)
    host.routes.clear()
    for (const [url, document] of Object.entries(fixture.documents)) {
      host.routes.set(`/${new URL(url).host}${new URL(url).pathname}`, (_request, response) => sendJson(response, document))
    }
    const server = serverConfig([authorizationServerConfig(fixture.issuer, fixture.as)], fixture.server)
    // Every host of the fixture is served by one socket, at a path that starts with its name.
    const toLoopback: typeof fetch = (input, init) => {
      const { host: name, pathname } = new URL(String(input))
      return fetch(`${host.origin}/${name}${pathname}`, init)
    }
    const { verifier } = setUp(server, clock, { fetch: toLoopback })

    for (const [what, { header = {}, claims, principal }] of Object.entries(fixture.accepted)) {
      const { scopes, ...rest } = await verifier.verify(await key.sign(claims, header))
      t.same({ ...rest, scopes: [...scopes] }, { ...principal, expiresAt: claims.exp }, what)
    }
    for (const [what, { header = {}, claims, reason }] of Object.entries(fixture.refused)) {
      await t.rejects(verifier.verify(await key.sign(claims, header)), { name: 'InvalidToken', message: reason }, what)
    }
  })
}
