// Something that the same authorization server signed and that is not an access token for a bearer: ID,
// refresh and logout tokens, tokens bound to a key; expired or future ones; or several credentials at once,
// or one in the wrong place. Fell for it: FastMCP (accepts ID tokens, ignores exp and nbf, pitfalls 6, 7),
// PyJWT without `require`, the reference set-ups (`split("Bearer ",1)[0]` is empty, pitfalls 1), servers that
// accept ?access_token=, giantswarm/mcp-oauth#383 (tokens bound by cnf.jkt accepted as Bearer). It fails here
// because of A1 and A2.
import t from 'tap'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('what is no access token, or not one now, is refused', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  const now = Math.floor(Date.now() / 1000)
  const token = (
    claims: Record<string, unknown>, header?: Record<string, unknown>
  ): Promise<string> => issuer.token({ aud: gateway.resource, ...claims }, header)
  const tokens: Record<string, string> = {
    'an ID token by nonce': await token({ aud: 'client-1', nonce: 'x' }),
    'an ID token by at_hash': await token({ aud: 'client-1', at_hash: 'x' }),
    'an ID token by c_hash': await token({ c_hash: 'x' }),
    'an ID token by token_use': await token({ token_use: 'id' }),
    'an ID token by typ': await token({ typ: 'ID' }),
    'a refresh token': await token({ typ: 'Refresh' }),
    'an offline token': await token({ typ: 'Offline' }),
    'a logout token': await token({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    'a logout token by header': await token({}, { typ: 'logout+jwt' }),
    'a client assertion by header': await token({}, { typ: 'client-authentication+jwt' }),
    'a DPoP proof by header': await token({}, { typ: 'dpop+jwt' }),
    'a request object by header': await token({}, { typ: 'oauth-authz-req+jwt' }),
    'a security event by header': await token({}, { typ: 'secevent+jwt' }),
    'a typ that is no string': await token({}, { typ: ['at+jwt'] }),
    'bound to a DPoP key': await token({ cnf: { jkt: 'x' } }),
    'bound to a certificate': await token({ cnf: { 'x5t#S256': 'x' } }),
    expired: await token({ exp: now - 31 }),
    'expired long ago': await token({ exp: 0 }),
    'without expiry': await token({ exp: undefined }),
    'with an expiry in words': await token({ exp: String(now + 600) }),
    'with an expiry of null': await token({ exp: null }),
    'with an expiry in milliseconds': await token({ exp: (now + 600) * 1000 }),
    'not valid yet': await token({ nbf: now + 60 }),
    'issued in the future': await token({ iat: now + 60 }),
    'without a subject': await token({ sub: undefined, client_id: undefined }),
    'with an empty subject': await token({ sub: '' }),
    'with a subject that is no string': await token({ sub: ['alice'] }),
    'with a client that is no string': await token({ client_id: { $ne: '' } }),
    'with scopes that are no strings': await token({ scope: [['todo:read']] })
  }
  for (const [name, value] of Object.entries(tokens)) {
    await refuses(t, scene, name, { token: value, body: PERMITTED_CALL }, { status: 401 })
  }
  await stillWorks(t, scene)
})

t.test('scopes are not more than the token says', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  const scopes: Record<string, unknown> = {
    none: undefined, empty: '', 'another case': 'TODO:READ', 'a prefix': 'todo:rea', 'more of it': 'todo:read:all', 'a wildcard': 'todo:*', star: '*', comma: 'todo:list,todo:read', tab: 'todo:list\ttodo:read', 'line end': 'x\ntodo:read', 'non-breaking space': 'x\u00a0todo:read', 'in an array with a space': ['x todo:read'], 'zero-width': 'todo:read\u200b', 'full width': '\uff54odo:read', inherited: '__proto__ constructor'
  }
  for (const [name, scope] of Object.entries(scopes)) {
    await refuses(t, scene, name, {
      token: await issuer.token({ aud: gateway.resource, scope }), body: PERMITTED_CALL
    }, { status: 403, code: 403 })
  }
  await refuses(t, scene, 'the second claim when the first is there', { token: await issuer.token({ aud: gateway.resource, scope: 'x', scp: ['todo:read'] }), body: PERMITTED_CALL }, { status: 403 })
})

t.test('credentials that are not exactly one Bearer token in one header are refused', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const foreign = await scene.issuer.token({ aud: 'https://other.example' })
  const malformed: Record<string, string[]> = {
    'two headers': [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    'two headers, the good one last': [`Authorization: Bearer ${foreign}`, `authorization: Bearer ${token}`],
    'two headers, another scheme first': ['Authorization: Basic eDp5', `Authorization: Bearer ${token}`],
    'two headers, an empty one first': ['Authorization:', `Authorization: Bearer ${token}`],
    'a list': [`Authorization: Bearer ${token}, Bearer ${token}`],
    'a list with another scheme': [`Authorization: Basic eDp5, Bearer ${token}`],
    'something behind it': [`Authorization: Bearer ${token} x`],
    'a parameter behind it': [`Authorization: Bearer ${token};x=y`],
    'a comma behind it': [`Authorization: Bearer ${token},`],
    'no token': ['Authorization: Bearer'],
    'an empty token': ['Authorization: Bearer  '],
    'in quotes': [`Authorization: Bearer "${token}"`],
    'as a parameter': [`Authorization: Bearer token=${token}`],
    'the scheme twice': [`Authorization: Bearer Bearer ${token}`],
    'a tab': [`Authorization: Bearer\t${token}`],
    'no space': [`Authorization: Bearer:${token}`],
    'a very long one': [`Authorization: Bearer ${'x'.repeat(16_385)}`],
    'not ASCII': ['Authorization: Bearer \u00e9']
  }
  for (const [name, headers] of Object.entries(malformed)) {
    await refuses(t, scene, name, { headers, body: PERMITTED_CALL }, { status: 400 })
  }
  const none: Record<string, string[]> = {
    'another scheme': [`Authorization: Token ${token}`],
    DPoP: [`Authorization: DPoP ${token}`],
    Basic: [`Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`],
    'a scheme that begins like it': [`Authorization: BearerX ${token}`],
    'the token alone': [`Authorization: ${token}`],
    'another header': [`X-Authorization: Bearer ${token}`],
    'a proxy\'s header': [`Proxy-Authorization: Bearer ${token}`],
    'an underscore': [`Authorization_: Bearer ${token}`],
    'a cookie': [`Cookie: access_token=${token}; Authorization=Bearer ${token}`],
    'a header of other gateways': [`X-Forwarded-Access-Token: ${token}`, `X-Access-Token: ${token}`, `X-Api-Key: ${token}`],
    'the WebSocket protocol header': [`Sec-WebSocket-Protocol: bearer, ${token}`]
  }
  for (const [name, headers] of Object.entries(none)) {
    await refuses(t, scene, name, { headers, body: PERMITTED_CALL }, { status: 401 })
  }
  for (const body of [`{"access_token":"${token}"}`, `access_token=${token}`]) {
    await refuses(t, scene, 'in the body', { headers: ['Content-Type: application/x-www-form-urlencoded'], body }, { status: 401 })
  }
  for (const scheme of ['bearer', 'BEARER', 'bEaReR', 'Bearer   ']) {
    t.same((await sendOne(gateway, { headers: [`Authorization: ${scheme} ${token}`], body: PERMITTED_CALL })).statuses, [200], scheme)
  }
  t.equal(upstream.received.length, 4)
})

t.test('A1: a token in the query is refused beside a good one, and reaches neither the upstream nor the log', async (t) => {
  const scene = await startScene(t)
  const { gateway, token } = scene
  const queries = ['access_token=', 'ACCESS_TOKEN=', 'Access_Token=', 'x=1&access_token=', 'x=1;access_token=', '%61ccess_token=', 'access%5ftoken=', 'access%5Ftoken=', '?access_token=', '&access_token=', 'access_token', 'x=?access_token=']
  for (const query of queries) {
    const target = `/mcp?${query}${query.endsWith('=') ? token : ''}`
    await refuses(t, scene, query, { target, token, body: PERMITTED_CALL }, { status: 400 })
    await refuses(t, scene, `${query} alone`, { target, body: PERMITTED_CALL }, { status: 400 })
    await refuses(t, scene, `${query} on a GET`, { method: 'GET', target, token }, { status: 400 })
  }
  t.notMatch(JSON.stringify(gateway.log), token)
  await permits(t, scene, 'another parameter', { target: '/mcp?my_access_token_x=1&access_tokens=2', token, body: PERMITTED_CALL })
})
