import fc from 'fast-check'
import t from 'tap'
import { matchesGlob, parseGlob } from '../../src/policy/glob.js'
import { findCommonName } from '../../src/policy/overlap.js'

type Syntax = 'name' | 'uri'

const common = (a: string, b: string, syntax: Syntax = 'name'): string | undefined => findCommonName(parseGlob(a, syntax), parseGlob(b, syntax))

t.test('patterns that share a name are found with a name they share', async (t) => {
  t.equal(common('*_todo', 'get_*'), 'get_todo')
  t.equal(common('a*', 'ab*'), 'ab')
  t.equal(common('*', '**'), '')
  t.equal(common('https://h/*', 'https://h/**', 'uri'), 'https://h/')
})

t.test('patterns that share no name are not rivals', async (t) => {
  t.equal(common('get_*', 'set_*'), undefined)
  t.equal(common('*_a', '*_b'), undefined)
  t.equal(common('x/*/y', 'x/*/z/*', 'uri'), undefined)
  t.equal(common('x/*', 'x/a/*', 'uri'), undefined)
  t.equal(common('x/*', 'x/a/*', 'name'), 'x/a/')
  t.equal(common('A*', 'a*'), undefined)
})

/**
 * Every text over the alphabet with up to six characters: as many as two patterns with three literals each
 * can need.
 */
const texts: string[] = ['']
for (let index = 0; (texts[index] as string).length < 6; index++) texts.push(...['a', 'b', '/'].map((letter) => texts[index] + letter))

const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 7 })
  .filter((pieces) => pieces.filter((piece) => !piece.includes('*')).length <= 3)
  .map((pieces) => pieces.join(''))

t.test('P3: overlap agrees with trying every name', async () => {
  fc.assert(fc.property(pattern, pattern, fc.constantFrom<Syntax>('name', 'uri'), (left, right, syntax) => {
    const [a, b] = [parseGlob(left, syntax), parseGlob(right, syntax)]
    const name = findCommonName(a, b)
    if (name !== undefined) return matchesGlob(a, name) && matchesGlob(b, name)
    return !texts.some((text) => matchesGlob(a, text) && matchesGlob(b, text))
  }), { numRuns: 3_000 })
})
