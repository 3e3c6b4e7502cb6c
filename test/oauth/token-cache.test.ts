import t from 'tap'
import type { Principal } from '../../src/oauth/principal.js'
import { createTokenCache, type TokenCache } from '../../src/oauth/token-cache.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'

const principal = (subject: string, expiresAt = 4e9): Principal => ({ issuer: 'i', subject, scopes: new Set(), expiresAt })
const isCurrent = (): boolean => true

function fill (cache: TokenCache, from: number, to: number): void {
  for (let i = from; i < to; i++) cache.add(`token-${i}`, { principal: principal(String(i)), isCurrent })
}

const held = (cache: TokenCache, from: number, to: number): number =>
  Array.from({ length: to - from }, (_, i) => cache.get(`token-${from + i}`)).filter((one) => one !== undefined).length

function start (
  options: { seconds?: number, maxTokens?: number, maxCharacters?: number } = {}
): { cache: TokenCache, clock: TestClock } {
  const clock = createTestClock()
  return { clock, cache: createTokenCache({ seconds: 60, now: clock.now, ...options }) }
}

t.test('A7: a token is remembered for the configured time', async (t) => {
  const { cache, clock } = start()
  cache.add('a', { principal: principal('alice'), isCurrent })
  t.equal(cache.get('a')?.subject, 'alice')
  t.equal(cache.get('b'), undefined)
  clock.advance(59_999)
  t.equal(cache.get('a')?.subject, 'alice')
  clock.advance(1)
  t.equal(cache.get('a'), undefined)
})

t.test('use does not lengthen that time', async (t) => {
  const { cache, clock } = start({ maxTokens: 4 })
  cache.add('a', { principal: principal('alice'), isCurrent })
  for (let i = 0; i < 59; i++) {
    clock.advance(1_000)
    cache.add(`filler-${i}`, { principal: principal('x'), isCurrent })
    t.ok(cache.get('a'), 'kept by being used')
  }
  clock.advance(1_000)
  t.equal(cache.get('a'), undefined)
})

t.test('A7: a token is not remembered past exp, nor within the tolerance after it', async (t) => {
  const { cache, clock } = start()
  const now = clock.now() / 1000
  cache.add('a', { principal: principal('alice', now + 10), isCurrent })
  cache.add('expired', { principal: principal('alice', now), isCurrent })
  cache.add('tolerated', { principal: principal('alice', now - 5), isCurrent })
  t.equal(cache.get('expired'), undefined)
  t.equal(cache.get('tolerated'), undefined)
  clock.advance(9_999)
  t.ok(cache.get('a'))
  clock.advance(1)
  t.equal(cache.get('a'), undefined)
})

t.test('what verified it can shorten the time, not lengthen it', async (t) => {
  const { cache, clock } = start()
  cache.add('short', { principal: principal('a'), isCurrent, rememberSeconds: 10 })
  cache.add('long', { principal: principal('a'), isCurrent, rememberSeconds: 1_000 })
  cache.add('never', { principal: principal('a'), isCurrent, rememberSeconds: 0 })
  t.equal(cache.get('never'), undefined)
  clock.advance(10_000)
  t.equal(cache.get('short'), undefined)
  t.ok(cache.get('long'))
  clock.advance(50_000)
  t.equal(cache.get('long'), undefined)
})

t.test('zero seconds remember nothing', async (t) => {
  const { cache } = start({ seconds: 0 })
  fill(cache, 0, 3)
  t.equal(held(cache, 0, 3), 0)
})

t.test('a token whose key is gone is forgotten for good', async (t) => {
  const { cache } = start()
  let current = true
  cache.add('a', { principal: principal('alice'), isCurrent: () => current })
  t.ok(cache.get('a'))
  current = false
  t.equal(cache.get('a'), undefined)
  current = true
  t.equal(cache.get('a'), undefined)
})

t.test('a clock that is set back does not lengthen anything', async (t) => {
  const { cache, clock } = start()
  cache.add('a', { principal: principal('alice'), isCurrent })
  clock.advance(-1_000)
  t.equal(cache.get('a'), undefined)
})

t.test('A7: the number of tokens is bounded, and the latest are kept', async (t) => {
  const { cache } = start({ maxTokens: 100 })
  fill(cache, 0, 1_000)
  const count = held(cache, 0, 1_000)
  t.ok(count <= 100 && count >= 50, `${count} held`)
  t.ok(cache.get('token-999'))
})

t.test('the length of all tokens is bounded', async (t) => {
  const { cache } = start({ maxCharacters: 1_000 })
  const token = (i: number): string => String(i).padStart(100, '0')
  for (let i = 0; i < 100; i++) cache.add(token(i), { principal: principal('x'), isCurrent })
  const count = Array.from({ length: 100 }, (_, i) => cache.get(token(i))).filter(
    (one) => one !== undefined
  ).length
  t.ok(count <= 10 && count >= 5, `${count} held`)
  cache.add('x'.repeat(501), { principal: principal('x'), isCurrent })
  t.equal(cache.get('x'.repeat(501)), undefined, 'one that would take all of it is not remembered')
})

t.test('a token in use is not pushed out by others', async (t) => {
  const { cache } = start({ maxTokens: 100 })
  cache.add('a', { principal: principal('alice'), isCurrent })
  for (let i = 0; i < 1_000; i++) {
    fill(cache, i, i + 1)
    if (i % 40 === 0) t.ok(cache.get('a'))
  }
})

t.test('the space of a forgotten token is free again', async (t) => {
  const { cache, clock } = start({ maxCharacters: 140 })
  fill(cache, 100, 107)
  const short = Array.from({ length: 7 }, (_, i) => `short-${200 + i}`)
  for (const token of short) cache.add(token, { principal: principal('x'), isCurrent, rememberSeconds: 1 })
  clock.advance(1_000)
  for (const token of short) t.equal(cache.get(token), undefined)
  for (let i = 0; i < 20; i++) fill(cache, 300, 301)
  t.ok(cache.get('token-100'), 'so that a new token, counted once, pushes nothing out')
})
