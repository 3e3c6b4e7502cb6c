// With several authorization servers: a key of one signs tokens in the name of another, or a token of one is
// accepted under the rules of another; with several resources: a token for one opens the other. Fell for it:
// verifiers that pool all keys and choose by kid (the golden SAML/OIDC mix-up); FastMCP's remote providers
// without an audience (#3204, among them Scalekit), Cognito and Azure (#3786, #3787), Google (#4827), tokens
// for the base URL (CVE-2025-69196); audience optional in the reference SDK (pitfalls 5). It fails here
// because `iss` chooses one authorization server, exactly, and only its keys and rules count (A2, A3).
import t from 'tap'
import { startIssuer } from '../helpers/issuer.js'
import { createSigningKey } from '../helpers/keys.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('A2: an authorization server speaks for itself alone', async (t) => {
  const other = await startIssuer(t)
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  await gateway.reload({
    authorizationServers: [
      issuer.issuer,
      { issuer: other.issuer, audience: ['api://other'], algorithms: ['ES384'], scopeClaim: 'roles' }
    ]
  })
  const strong = await createSigningKey('ES384', other.key.kid)
  other.keys = [other.key.jwk, strong.jwk]
  t.equal(other.key.kid, issuer.key.kid, 'both publish a key of the same id')
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'alice', client_id: 'client-1', scope: 'todo:read todo:write', roles: ['todo:read'], iat: now, exp: now + 600 }
  const strongToken = (more: Record<string, unknown>): Promise<string> => strong.sign({ ...claims, iss: other.issuer, aud: 'api://other', ...more })
  const refused: Record<string, string> = {
    'the other\'s key in our issuer\'s name': await other.token({ iss: issuer.issuer, aud: gateway.resource }),
    'our key in the other\'s name': await issuer.token({ iss: other.issuer, aud: 'api://other' }),
    'our issuer with the other\'s audience': await issuer.token({ aud: 'api://other' }),
    'the other with our audience': await strongToken({ aud: gateway.resource }),
    'the other with an algorithm of ours': await other.token({ aud: 'api://other' }),
    'an issuer with a slash': await issuer.token({ iss: `${issuer.issuer}/`, aud: gateway.resource }),
    'an issuer in another case': await issuer.token({ iss: issuer.issuer.toUpperCase(), aud: gateway.resource }),
    'an issuer by another name of its host': await issuer.token({ iss: issuer.issuer.replace('127.0.0.1', 'localhost'), aud: gateway.resource }),
    'a list of issuers': await issuer.token({ iss: [issuer.issuer], aud: gateway.resource }),
    'no issuer': await issuer.token({ iss: undefined, aud: gateway.resource }),
    'an inherited issuer': await issuer.token({ iss: '__proto__', aud: gateway.resource })
  }
  for (const [name, token] of Object.entries(refused)) {
    await refuses(t, scene, name, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  await permits(t, scene, 'the other under its own rules', { token: await strongToken({}), body: PERMITTED_CALL })
  await refuses(t, scene, 'the other with scopes in our claim', { token: await strongToken({ roles: [] }), body: PERMITTED_CALL }, { status: 403 })
  await stillWorks(t, scene)
})

t.test('A3: a token for another resource is refused, however similar its name', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  const { resource, origin } = gateway
  const audiences: unknown[] = [
    undefined, null, '', [], {}, 1, true, [null], [[resource]], { 0: resource }, `${resource} `, ` ${resource}`, `${resource},https://evil.example`, `https://evil.example ${resource}`,
    `${resource}/`, `${resource}/x`, `${resource}?`, `${resource}#`, `${resource}x`, resource.slice(0, -1), origin, `${origin}/`, `${origin}/*`, '*', resource.toUpperCase(), resource.replace('127.0.0.1', 'localhost'), resource.replace('http', 'https'), `${resource}/../mcp`, resource.replace('/mcp', '/%6dcp'), resource.replace('/mcp', '//mcp'), 'client-1', issuer.issuer
  ]
  for (const aud of audiences) await refuses(t, scene, `aud ${JSON.stringify(aud)}`, { token: await issuer.token({ aud }), body: PERMITTED_CALL }, { status: 401 })
  await permits(t, scene, 'this resource among others', { token: await issuer.token({ aud: ['https://other.example', resource] }), body: PERMITTED_CALL })
  await gateway.reload({ strictAudience: true })
  await refuses(t, scene, 'this resource among others, strictly', { token: await issuer.token({ aud: ['https://other.example', resource] }), body: PERMITTED_CALL }, { status: 401 })
  await stillWorks(t, scene)
})

t.test('claims that repeat themselves in the payload are read once, from what was signed', async (t) => {
  const scene = await startScene(t)
  const { key, issuer } = scene.issuer
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const input = `${encode(JSON.stringify({ alg: 'ES256', kid: key.kid }))}.${encode(`{"iss":"${issuer}","aud":"${scene.gateway.resource}","sub":"alice","exp":${now + 60},"aud":"https://other.example"}`)}`
  const signature = Buffer.from(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(input))).toString('base64url')
  await refuses(t, scene, 'two audiences', { token: `${input}.${signature}`, body: PERMITTED_CALL }, { status: 401 })
})
