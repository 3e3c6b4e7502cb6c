import t from 'tap'
import { findRepeatedIssuers } from '../../src/oauth/repeated-issuers.js'

const A = 'https://a.example'
const B = 'https://b.example'

t.test('issuers that differ are not repeated', async (t) => {
  t.strictSame(findRepeatedIssuers([]), [])
  t.strictSame(findRepeatedIssuers([{ issuer: A, issuers: [] }, { issuer: B, issuers: [`${A}/`] }]), [])
})

t.test('every repetition is found, with its own place and the first one', async (t) => {
  t.strictSame(findRepeatedIssuers([{ issuer: A, issuers: [B] }, { issuer: B, issuers: [] }, { issuer: 'c', issuers: ['d', A, B] }]), [
    { issuer: B, path: [1, 'issuer'], first: [0, 'issuers', 0] },
    { issuer: A, path: [2, 'issuers', 1], first: [0, 'issuer'] },
    { issuer: B, path: [2, 'issuers', 2], first: [0, 'issuers', 0] }
  ])
})

t.test('an authorization server that repeats its own issuer is found as well', async (t) => {
  t.strictSame(findRepeatedIssuers([{ issuer: A, issuers: [A] }]), [{ issuer: A, path: [0, 'issuers', 0], first: [0, 'issuer'] }])
})
