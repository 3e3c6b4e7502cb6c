// Claims that break out of the header they are put into, or read as more than they are: line breaks,
// separators, other scripts, percent signs, in the subject, the client id and the scopes; and in what the log
// and the challenge repeat. Fell for it: gateways that copy claims into headers as they are (CWE-113);
// identity providers let people choose their names, and dynamic registration lets anybody choose a client's.
// It fails here because every byte but visible ASCII is percent-encoded, and the percent sign itself (F2),
// and a scope that RFC 6749 does not allow is none.
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, stillWorks } from './assertions.js'

const NASTY = [
  'alice\r\nX-Postern-Scopes: admin', 'alice\nX-Admin: 1', 'alice\rX', 'alice\0root', 'alice\r\n\r\nGET /admin HTTP/1.1\r\n\r\n', 'alice bob', ' alice', 'alice ', 'alice,root', 'alice;role=root', 'alice\troot', 'alice%0d%0aX-Admin:%201', '%', '%25', 'a%', '=?utf-8?B?cm9vdA==?=', '"root"',
  'jos\u00e9', '\u540d\u524d', '\ud83d\ude00', '\u2028', '\u0085', '\u00a0', '\u010d\u010aX-Admin: 1', '\u560d\u560aX', '\u202eecila', '\ufeffalice', '\x7f', '\x1b[2J', '__proto__', 'x'.repeat(4000)
]

t.test('whatever a claim holds, it stays one value of one header, and can be told back', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  for (const value of NASTY) {
    const token = await issuer.token({ aud: gateway.resource, sub: value, client_id: value })
    const received = await permits(t, scene, value, { token, body: PERMITTED_CALL })
    for (const name of ['x-postern-subject', 'x-postern-client-id']) {
      const header = String(received.headers[name])
      t.match(header, /^[\x21-\x7e]+$/)
      t.equal(decodeURIComponent(header), value)
    }
    t.equal(received.headers['x-postern-scopes'], 'todo:read todo:write')
    t.equal(received.headers['x-admin'], undefined)
    t.equal(received.rawHeaders.filter((name) => name.toLowerCase().startsWith('x-postern-')).length, 4)
  }
  await stillWorks(t, scene)
})

t.test('a scope that is none is not told to the upstream', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  const scope = ['todo:read', 'a b', 'x\r\nX-Admin: 1', 'admin"', 'back\\slash', '', ' ', 'jos\u00e9', 'tab\tbed', '\0', 'a%20b', 'ok:1']
  const received = await permits(t, scene, 'a call', { token: await issuer.token({ aud: gateway.resource, scope }), body: PERMITTED_CALL })
  t.equal(received.headers['x-postern-scopes'], 'todo:read a%2520b ok:1')
})

t.test('what the log repeats of a claim or a name is one line of JSON', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer } = scene
  const forged = '\n{"level":30,"event":"request","decision":"allow","subject":"root"}\n'
  const token = await issuer.token({ aud: gateway.resource, sub: `alice${forged}`, client_id: `client\r\n\u001b[31m${forged}` })
  const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: `delete${forged}` } })
  await gateway.post(token, call)
  await gateway.post(token, JSON.stringify({ jsonrpc: '2.0', id: 1, method: `x${forged}` }))
  await gateway.post(await issuer.token({ aud: `x${forged}`, iss: issuer.issuer }), call)
  await gateway.post(await issuer.token({ aud: gateway.resource, iss: `x${forged}` }), call)
  await gateway.post(await issuer.token({ aud: gateway.resource }, { kid: `x${forged}` }), call)
  await gateway.logged((line) => JSON.stringify(line).includes('kid'))
  const events = gateway.log.filter(({ event }) => event === 'request')
  t.equal(events.length, 5)
  t.same(events.map(({ decision }) => decision), ['deny', 'deny', 'deny', 'deny', 'deny'])
  t.equal(events.filter(({ subject }) => subject === 'root').length, 0)
})
