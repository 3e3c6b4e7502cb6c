// The client says itself who it is, in the headers that only the gateway may set, in any spelling that the
// upstream's server would fold into them; or it answers in place of the operator's static headers. Fell for
// it: oauth2-proxy (CVE-2025-64484, underscores for hyphens), Django behind such proxies (CVE-2015-0219);
// "unsigned headers can be spoofed" (sigbit PR 147, peers). It fails here because the whole namespace is
// removed, names that CGI would fold are not sent, and ours are set last (F1, F2).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL } from './assertions.js'

const folded = (name: string): string => name.toLowerCase().replace(/[^a-z\d]/g, '_')

t.test('F2: no spelling of an identity header gets past the gateway', async (t) => {
  const scene = await startScene(t)
  const spellings = ['X-Postern-Subject', 'x-postern-subject', 'X-POSTERN-SUBJECT', 'X_Postern_Subject', 'X-Postern_Subject', 'x_postern-subject', 'X.Postern.Subject', 'X-Postern.Subject', 'X~Postern~Subject', 'X!Postern-Subject', 'X*Postern*Subject', "X'Postern'Subject", 'X|Postern|Subject', 'X`Postern`Subject', 'X^Postern^Subject', 'X+Postern+Subject', 'X$Postern$Subject', 'X%Postern%Subject', 'X&Postern&Subject', 'X#Postern#Subject']
  const lies = spellings.flatMap((name) => [`${name}: root`, `${name.replace(/subject/i, 'Scopes')}: admin`, `${name.replace(/subject/i, 'Client-Id')}: root`, `${name.replace(/subject/i, 'Issuer')}: https://evil.example`, `${name.replace(/subject/i, 'Assertion')}: x`])
  for (const request of [{ token: scene.token, headers: lies, body: PERMITTED_CALL }, { method: 'GET', token: scene.token, headers: lies }]) {
    const received = await permits(t, scene, request.method ?? 'POST', request)
    const seen = received.rawHeaders.flatMap((name, index) => index % 2 === 0 && folded(name).startsWith('x_postern') ? [`${name}: ${received.rawHeaders[index + 1]}`] : [])
    t.same(seen.sort(), ['x-postern-client-id: client-1', `x-postern-issuer: ${scene.issuer.issuer}`, 'x-postern-scopes: todo:read todo:write', 'x-postern-subject: alice'].sort())
  }
})

t.test('F2: identity headers that are switched off are still removed from what the client sends', async (t) => {
  const scene = await startScene(t, { config: { identityHeaders: false } })
  const received = await permits(t, scene, 'a call', { token: scene.token, headers: ['X-Postern-Subject: root', 'X_Postern_Scopes: admin'], body: PERMITTED_CALL })
  t.same(received.rawHeaders.filter((name) => folded(name).includes('postern')), [])
})

t.test('the operator\'s headers win over every spelling of the client\'s', async (t) => {
  const scene = await startScene(t, { config: { upstreamHeaders: { 'X-Api-Key': 'operator', Authorization: 'Basic b3BlcmF0b3I=', x_tenant: 'operator' } } })
  const received = await permits(t, scene, 'a call', { token: scene.token, headers: ['X-Api-Key: client', 'x-api-key: client', 'X_Api_Key: client', 'x.api.key: client', 'X-Tenant: client', 'X_Tenant: client'], body: PERMITTED_CALL })
  const seen = received.rawHeaders.flatMap((name, index) => index % 2 === 0 && ['x_api_key', 'x_tenant', 'authorization'].includes(folded(name)) ? [`${folded(name)}: ${received.rawHeaders[index + 1]}`] : [])
  t.same(seen.sort(), ['authorization: Basic b3BlcmF0b3I=', 'x_api_key: operator', 'x_tenant: operator'])
})

t.test('F1: credentials of the client do not reach the upstream in any spelling', async (t) => {
  const scene = await startScene(t)
  for (const request of [{ token: scene.token, body: PERMITTED_CALL }, { method: 'GET', token: scene.token }, { method: 'DELETE', token: scene.token }]) {
    const headers = ['Cookie: session=1', 'Cookie: other=2', 'Proxy-Authorization: Bearer x', 'DPoP: x', 'Authorization_: Bearer x', 'HTTP_AUTHORIZATION: Bearer x']
    const received = await permits(t, scene, request.method ?? 'POST', { ...request, headers })
    t.same(received.rawHeaders.filter((text) => /authorization|cookie|dpop|bearer/i.test(text)), [])
    t.notMatch(received.rawHeaders.join('\n'), scene.token)
  }
})

t.test('F1: a header that would make the upstream run another HTTP method is not sent', async (t) => {
  const scene = await startScene(t)
  for (const method of ['GET', 'POST', 'DELETE']) {
    const headers = ['X-HTTP-Method-Override: POST', 'X-HTTP-Method: DELETE', 'X-Method-Override: PUT', 'X_HTTP_Method_Override: POST']
    const received = await permits(t, scene, method, { method, token: scene.token, headers, ...(method === 'POST' ? { body: PERMITTED_CALL } : {}) })
    t.equal(received.method, method)
    t.same(received.rawHeaders.filter((name) => /method/i.test(name)), [])
  }
})
