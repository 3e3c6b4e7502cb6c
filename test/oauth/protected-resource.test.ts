import t from 'tap'
import { buildProtectedResourceMetadata, metadataPath, metadataUrl, resourcePath } from '../../src/oauth/protected-resource.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'

const AS = authorizationServerConfig('https://as.example')

t.test('the metadata path is the well-known string between host and path', async (t) => {
  const rows: [resource: string, path: string, metadata: string][] = [
    ['https://h', '/', '/.well-known/oauth-protected-resource'],
    ['https://h/', '/', '/.well-known/oauth-protected-resource'],
    ['https://h/mcp', '/mcp', '/.well-known/oauth-protected-resource/mcp'],
    ['https://h/mcp/', '/mcp/', '/.well-known/oauth-protected-resource/mcp/'],
    ['https://h/a/b', '/a/b', '/.well-known/oauth-protected-resource/a/b'],
    ['http://localhost:3002/mcp', '/mcp', '/.well-known/oauth-protected-resource/mcp']
  ]
  for (const [resource, path, metadata] of rows) {
    t.equal(resourcePath(resource), path, resource)
    t.equal(metadataPath(resource), metadata, resource)
    t.equal(metadataUrl(resource), new URL(resource).origin + metadata, resource)
  }
})

t.test('an identifier with a query, a fragment or credentials, or that is no URL, is refused', async (t) => {
  for (const resource of ['https://h/mcp?a=b', 'https://h/mcp?', 'https://h/mcp#x', 'https://h/mcp#', 'https://u:p@h/mcp', 'mcp.example', '']) {
    t.throws(() => metadataPath(resource), TypeError, resource)
  }
})

t.test('strings are published as they are configured', async (t) => {
  for (const resource of ['https://H.example:443/a/../mcp', 'https://h', 'https://h/', 'http://localhost:3002/mcp/']) {
    const server = serverConfig([authorizationServerConfig('https://as.example', { advertise: 'https://AS.example/' })], { resource })
    t.same(buildProtectedResourceMetadata(server, []), {
      resource,
      authorization_servers: ['https://AS.example/'],
      bearer_methods_supported: ['header']
    })
  }
})

t.test('R3: scopes_supported is defaultScopes, else what the policy names, and never empty', async (t) => {
  const scopes = (defaultScopes: string[], policyScopes: string[], metadata = {}) =>
    buildProtectedResourceMetadata(serverConfig([AS], { defaultScopes, metadata }), policyScopes)
  t.same(scopes(['a'], ['b']).scopes_supported, ['a'])
  t.same(scopes([], ['b', 'a', 'b']).scopes_supported, ['b', 'a'], 'each once, in their order')
  t.notOk('scopes_supported' in scopes([], []))
  t.same(scopes(['openid', 'a', 'offline_access'], []).scopes_supported, ['a'])
  t.notOk('scopes_supported' in scopes(['openid', 'offline_access'], ['b']), 'no fallback to what the operator did not choose')
  t.same(scopes(['a'], ['b'], { scopes_supported: ['c', 'openid', 'c'] }).scopes_supported, ['c'], "the operator's own list wins")
  t.notOk('scopes_supported' in scopes(['a'], ['b'], { scopes_supported: [] }))
  t.same(scopes(['a'], ['b'], { scopes_supported: 'c d' }).scopes_supported, ['a'], 'a list of the wrong type is not published')
})

t.test('R3: operators add members, but none replaces what the resource checks', async (t) => {
  const metadata = JSON.parse(`{
    "resource": "https://evil", "authorization_servers": ["https://evil"], "bearer_methods_supported": ["query"],
    "resource_name": "Todos", "resource_documentation": "https://docs.example", "__proto__": {"resource": "https://evil"}
  }`) as Record<string, unknown>
  const document = buildProtectedResourceMetadata(serverConfig([AS, AS], { metadata }), ['a'])
  t.equal(document.resource, 'https://mcp.example/mcp')
  t.same(document.authorization_servers, ['https://as.example'], 'each authorization server once')
  t.same(document.bearer_methods_supported, ['header'])
  t.match(document, { resource_name: 'Todos', resource_documentation: 'https://docs.example' })
})
