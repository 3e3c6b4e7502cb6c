import t from 'tap'
import { parseToken } from '../../src/oauth/token-form.js'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

t.test('a signed JWT is taken apart, whatever it claims', async (t) => {
  const compact = `${encode({ alg: 'none', kid: 7 })}.${encode({ iss: 'a' })}.c2ln`
  t.strictSame(parseToken(compact), {
    form: 'jwt',
    compact,
    header: { unverified: { alg: 'none', kid: 7 } },
    claims: { unverified: { iss: 'a' } },
    signature: 'c2ln'
  })
})

t.test('a payload that is not a JSON object claims nothing', async (t) => {
  for (const payload of ['', encode([1]), encode('a'), 'not base64url', `${encode({ iss: 'a' })}=`]) {
    t.match(parseToken(`${encode({ alg: 'ES256' })}.${payload}.c2ln`), { form: 'jwt', claims: { unverified: {} } }, payload)
    t.notMatch(parseToken(`${encode({ alg: 'ES256' })}.${payload}.c2ln`), { claims: { unverified: { iss: 'a' } } }, payload)
  }
})

t.test('a signature that is missing or not base64url is no signature', async (t) => {
  for (const signature of ['', 'c2ln=', 'c2 ln', 'c2+n']) {
    t.match(parseToken(`${encode({ alg: 'ES256' })}.${encode({})}.${signature}`), { form: 'jwt', signature: undefined }, signature)
  }
})

t.test('the form of other tokens', async (t) => {
  t.strictSame(parseToken(`${encode({ alg: 'dir', enc: 'A256GCM' })}....`), { form: 'encrypted' })
  for (const token of ['', 'abc', 'a.b', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e', `${encode({})}.a.b`, `${encode({ alg: 'dir' })}....`, `${encode([])}.a.b`]) {
    t.strictSame(parseToken(token), { form: 'opaque' }, token)
  }
})
