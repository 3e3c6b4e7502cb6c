// Two users whose tokens have no `sub`: taken for the client, they were one principal, and the second got the
// first one's session. Fell for it: Postern itself, with Keycloak 25 and later when a client lacks the client
// scope `basic`. It fails here because the client stands in for `sub` only where no claim may be a user's
// (A2).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const KEYCLOAK = { sub: undefined, client_id: undefined, azp: 'mcp-cli', typ: 'Bearer' }

t.test('A2: users without sub are refused, and the log says what to configure', async (t) => {
  const scene = await startScene(t)
  const signs: readonly object[] = [
    { sid: 'a', preferred_username: 'bob' }, { sid: 'a' }, { session_state: 'a' }, { preferred_username: 'bob' },
    { username: 'bob' }, { upn: 'bob@corp' }, { unique_name: 'bob' }, { name: 'Bob' }, { email: 'b@corp' }, { oid: 'o' },
    { uid: 'u' }, { user_id: 7 }, { auth_time: 1 }, { acr: '1' }, { amr: ['pwd'] }, { act: { sub: 'bob' } },
    { nickname: 'bob' }, { phone_number: '1' }, { 'https://corp.example/user': 'bob' }, { Sub: 'bob' }, { sid: null },
    { gty: 'password' }, { idtyp: 'user' }
  ]
  for (const sign of signs) {
    const token = await scene.tokenWith({ ...KEYCLOAK, ...sign })
    await refuses(t, scene, JSON.stringify(sign), { token, body: PERMITTED_CALL }, { status: 401 })
  }
  for (const sub of ['', null, 0, [], {}]) {
    const token = await scene.tokenWith({ ...KEYCLOAK, sub })
    await refuses(t, scene, `sub ${JSON.stringify(sub)}`, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  await scene.gateway.logged((line) => JSON.stringify(line).includes('client scope \\"basic\\"'))
  await stillWorks(t, scene)
})

t.test("A2: a client's own token without sub speaks for the client", async (t) => {
  const scene = await startScene(t)
  const token = await scene.tokenWith({ ...KEYCLOAK, jti: 'j', realm_access: { roles: ['r'] }, clientHost: '10.0.0.1' })
  const { headers } = await permits(t, scene, 'client credentials', { token, body: PERMITTED_CALL })
  t.match(headers, { 'x-postern-subject': 'mcp-cli', 'x-postern-client-id': 'mcp-cli' })
})
