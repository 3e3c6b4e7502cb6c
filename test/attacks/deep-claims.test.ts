// Claims nested so deep that whoever writes them into a log line overflows the stack: a stranger's 500 with a
// stack trace. Fell for it: Postern itself; recursive writers of JSON in general. It fails here because JSON
// of strangers that is nested deeper than a message may be is not read at all (A2).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const encode = (json: string): string => Buffer.from(json).toString('base64url')

t.test('A2: a deeply nested value anywhere in an unsigned token is 401', async (t) => {
  const scene = await startScene(t)
  const { issuer } = scene.issuer
  const values = [
    `${'['.repeat(5_900)}${']'.repeat(5_900)}`,
    `${'{"a":'.repeat(1_900)}1${'}'.repeat(1_900)}`,
    `${'["]",'.repeat(65)}0${']'.repeat(65)}`
  ]
  for (const value of values) {
    const tokens: Record<string, string> = {
      iss: `${encode('{"alg":"ES256","kid":"first"}')}.${encode(`{"iss":${value}}`)}.AAAA`,
      'iss beside a good one': `${encode('{"alg":"ES256","kid":"first"}')}.${encode(`{"iss":"${issuer}","aud":${value}}`)}.AAAA`,
      typ: `${encode(`{"alg":"ES256","typ":${value}}`)}.${encode(`{"iss":"${issuer}"}`)}.AAAA`,
      alg: `${encode(`{"alg":${value}}`)}.${encode(`{"iss":"${issuer}"}`)}.AAAA`,
      kid: `${encode(`{"alg":"ES256","kid":${value}}`)}.${encode(`{"iss":"${issuer}"}`)}.AAAA`
    }
    for (const [name, token] of Object.entries(tokens)) {
      await refuses(t, scene, `${name}, ${value.slice(0, 6)}`, { token, body: PERMITTED_CALL }, { status: 401 })
    }
  }
  await stillWorks(t, scene)
})

t.test('A2: a signed token with odd values of any other kind is 401', async (t) => {
  const scene = await startScene(t)
  let deep: unknown = 'x'
  for (let i = 0; i < 1_000; i++) deep = [deep]
  for (const name of ['iss', 'aud', 'sub', 'client_id', 'exp', 'nbf', 'token_use', 'typ', 'scope', 'sid']) {
    const token = await scene.tokenWith({ [name]: deep })
    await refuses(t, scene, name, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  await stillWorks(t, scene)
})

t.test('A2: metadata that is nested too deep is a failed fetch', async (t) => {
  const scene = await startScene(t)
  const json = JSON.stringify({ ...scene.issuer.metadata, jwks_uri: `${scene.issuer.origin}/jwks` })
  const deep = `${json.slice(0, -1)},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  scene.issuer.routes.set('/.well-known/oauth-authorization-server', (_request, response) => { response.end(deep) })
  const mirror = await fetch(`${scene.gateway.origin}/.well-known/oauth-authorization-server/mcp`)
  t.equal(mirror.status, 502)
  const { status } = await scene.send({ method: 'POST', target: '/mcp', headers: { 'Content-Type': 'application/json' }, body: PERMITTED_CALL })
  t.equal(status, 503)
})
