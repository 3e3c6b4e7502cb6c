// A stranger's token with a key id that nobody has, sent just before a key rotation: the keys are fetched in
// vain, and may not be fetched again for a while, in which genuine tokens of the new key came. Fell for it:
// Postern itself (401 for 30 s, so that clients threw good tokens away). It fails here because nothing is
// said about an unknown key within the pause: 503 with the seconds left (A5, A6).
import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { createSigningKey } from '../helpers/keys.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses } from './assertions.js'

t.test('A5, A6: a junk kid before a rotation costs genuine tokens no login', async (t) => {
  const clock = createTestClock()
  const scene = await startScene(t, { clock })
  const { gateway, issuer, tokenWith } = scene
  await permits(t, scene, 'a token of the old key', { token: scene.token, body: PERMITTED_CALL })
  const junk = await (await createSigningKey('ES256', 'junk')).sign({ iss: issuer.issuer })
  await refuses(t, scene, 'junk', { token: junk, body: PERMITTED_CALL }, { status: 401 })
  await issuer.rotate('second')
  const token = await tokenWith({})
  clock.advance(12_000)
  const response = await gateway.post(token, PERMITTED_CALL)
  t.equal(response.status, 503)
  t.equal(response.headers.get('retry-after'), '18')
  clock.advance(18_000)
  await permits(t, scene, 'the same token, when the pause is over', { token, body: PERMITTED_CALL })
})
