import t from 'tap'
import { bindSession, unbindSession } from '../../src/mcp/session.js'

const RESOURCE = 'https://mcp.example/mcp'
const BINDING = { keys: ['k'.repeat(32)], resource: RESOURCE }
const ALICE = { issuer: 'https://as.example', subject: 'alice', clientId: 'client-1' }

t.test('the owner gets back what the upstream gave, whatever characters it has', async (t) => {
  for (const id of ['a', '1f9b-2c', 'with.dots.in.it', 'x'.repeat(2000), '~!#$']) {
    t.equal(unbindSession(BINDING, bindSession(BINDING, id, ALICE), ALICE), id)
  }
})

t.test('an id of another owner is not accepted', async (t) => {
  const bound = bindSession(BINDING, 'id', ALICE)
  for (const owner of [{ ...ALICE, issuer: 'https://as.example/' }, { ...ALICE, subject: 'Alice' }]) {
    t.equal(unbindSession(BINDING, bound, owner), undefined)
  }
})

t.test('F10: a session of a user is kept with a token of another client', async (t) => {
  const bound = bindSession(BINDING, 'id', ALICE)
  const { clientId: _clientId, ...anonymousClient } = ALICE
  for (const owner of [{ ...ALICE, clientId: 'client-2' }, anonymousClient]) {
    t.equal(unbindSession(BINDING, bound, owner), 'id')
  }
})

t.test('F10: a client that speaks for itself is not the user of the same name', async (t) => {
  const client = { ...ALICE, clientId: ALICE.subject }
  t.equal(unbindSession(BINDING, bindSession(BINDING, 'id', client), client), 'id')
  t.equal(unbindSession(BINDING, bindSession(BINDING, 'id', client), ALICE), undefined)
  t.equal(unbindSession(BINDING, bindSession(BINDING, 'id', ALICE), client), undefined)
})

t.test('F10: owners whose parts read the same when joined are not the same', async (t) => {
  for (const [one, other] of [
    [{ issuer: 'ab', subject: 'c' }, { issuer: 'a', subject: 'bc' }],
    [{ issuer: 'a', subject: '1:b' }, { issuer: 'a1:', subject: 'b' }],
    [{ issuer: '', subject: 'a' }, { issuer: 'a', subject: '' }]
  ] as const) t.equal(unbindSession(BINDING, bindSession(BINDING, 'id', one), other), undefined)
})

t.test('an id of another resource is not accepted', async (t) => {
  const bound = bindSession(BINDING, 'id', ALICE)
  for (const resource of ['https://mcp.example/other', 'https://mcp.example/mcp/', '']) {
    t.equal(unbindSession({ ...BINDING, resource }, bound, ALICE), undefined, resource)
  }
  const moved = bindSession({ ...BINDING, resource: 'a' }, 'bc', ALICE)
  t.equal(unbindSession({ ...BINDING, resource: 'ab' }, `c.${moved.slice(-22)}`, ALICE), undefined, 'however the parts are cut')
})

t.test('an altered id is not accepted', async (t) => {
  const bound = bindSession(BINDING, 'session-id', ALICE)
  const mac = bound.slice(bound.lastIndexOf('.') + 1)
  for (let i = 0; i < bound.length; i++) {
    const altered = bound.slice(0, i) + (bound[i] === 'x' ? 'y' : 'x') + bound.slice(i + 1)
    if (unbindSession(BINDING, altered, ALICE) !== undefined) t.fail(`position ${i}`)
  }
  for (const id of ['', '.', 'session-id', `.${mac}`, mac, `session-id${mac}`, `session-id.${mac.slice(0, -1)}`, `session-id.${mac}x`, `x.${bound}`, `${bound}.`, 'é'.repeat(30)]) {
    t.equal(unbindSession(BINDING, id, ALICE), undefined, id)
  }
})

t.test('keys can be rotated: the first signs, all verify, others do not', async (t) => {
  const old = bindSession({ keys: ['old-key'], resource: RESOURCE }, 'id', ALICE)
  t.equal(unbindSession({ keys: ['new-key', 'old-key'], resource: RESOURCE }, old, ALICE), 'id')
  t.equal(bindSession({ keys: ['new-key', 'old-key'], resource: RESOURCE }, 'id', ALICE), bindSession({ keys: ['new-key'], resource: RESOURCE }, 'id', ALICE))
  t.equal(unbindSession({ keys: ['new-key'], resource: RESOURCE }, old, ALICE), undefined)
  t.equal(unbindSession({ keys: [], resource: RESOURCE }, old, ALICE), undefined)
})
