import fc from 'fast-check'
import t from 'tap'
import { matchesGlob, parseGlob } from '../../src/policy/glob.js'

type Syntax = 'name' | 'uri'

const matches = (pattern: string, name: string, syntax: Syntax = 'name'): boolean => matchesGlob(parseGlob(pattern, syntax), name)

/** The definition, tried out: exponential, so for short texts only. */
function matchesByDefinition (pattern: string, name: string, syntax: Syntax): boolean {
  const stars = /^\*+/.exec(pattern)?.[0]
  if (stars === undefined) {
    if (pattern === '') return name === ''
    return name !== '' && pattern.charAt(0) === name.charAt(0) && matchesByDefinition(pattern.slice(1), name.slice(1), syntax)
  }
  const crossing = syntax === 'name' || stars.length > 1
  for (let length = 0; length <= name.length; length++) {
    if (!crossing && name.slice(0, length).includes('/')) return false
    if (matchesByDefinition(pattern.slice(stars.length), name.slice(length), syntax)) return true
  }
  return false
}

t.test('a wildcard in a name stands for any run of characters', async (t) => {
  for (const name of ['_todo', 'delete_todo', 'a/b_todo', 'x_todo_todo']) t.ok(matches('*_todo', name), name)
  for (const name of ['todo', 'delete_todos', 'DELETE_TODO', '']) t.notOk(matches('*_todo', name), name)
  t.ok(matches('tasks/*', 'tasks/a/b'))
  t.ok(matches('**', ''))
})

t.test('in a URI one star stops at a slash and two do not', async (t) => {
  t.ok(matches('https://h/*', 'https://h/a', 'uri'))
  t.ok(matches('https://h/*', 'https://h/', 'uri'))
  t.notOk(matches('https://h/*', 'https://h/a/b', 'uri'))
  t.ok(matches('https://h/**', 'https://h/a/b', 'uri'))
  t.ok(matches('https://h/**/c', 'https://h/a/b/c', 'uri'))
  t.ok(matches('https://h/*/b/**/e', 'https://h/a/b/c/d/e', 'uri'))
  t.notOk(matches('https://h/*/b/**/e', 'https://h/a/x/b/c/d/e', 'uri'))
})

t.test('prefix and suffix of a pattern may not share characters of the name', async (t) => {
  t.notOk(matches('ab*ba', 'aba'))
  t.ok(matches('ab*ba', 'abba'))
})

t.test('a pattern is text, not a regular expression', async (t) => {
  t.notOk(matches('a.c*', 'abcd'))
  t.ok(matches('a.(c*', 'a.(cd'))
})

const letters = fc.constantFrom('a', 'b', '/')
const pieces = fc.constantFrom('a', 'b', '/', '*', '**')

t.test('matching agrees with the definition for every pattern', async () => {
  fc.assert(fc.property(
    fc.array(pieces, { maxLength: 9 }), fc.array(letters, { maxLength: 9 }), fc.constantFrom<Syntax>('name', 'uri'),
    (pattern, name, syntax) => matches(pattern.join(''), name.join(''), syntax) === matchesByDefinition(pattern.join(''), name.join(''), syntax)
  ), { numRuns: 20_000 })
})

t.test('matching agrees with the definition for names that were made to fit', async () => {
  const part = fc.oneof(
    letters.map((letter) => [letter, letter] as const),
    fc.array(fc.constantFrom('a', 'b'), { maxLength: 3 }).map((run) => ['*', run.join('')] as const),
    fc.array(letters, { maxLength: 3 }).map((run) => ['**', run.join('')] as const)
  )
  fc.assert(fc.property(fc.array(part, { maxLength: 7 }), (parts) => {
    const [pattern, name] = [0, 1].map((side) => parts.map((part) => part[side]).join('')) as [string, string]
    return matches(pattern, name, 'uri') === matchesByDefinition(pattern, name, 'uri')
  }), { numRuns: 10_000 })
})

t.test('no name makes matching expensive', async (t) => {
  const names = ['a'.repeat(65_536), 'ab'.repeat(32_768), 'a/'.repeat(32_768), `${'a'.repeat(65_535)}c`]
  // None of them matches, and their ends are not enough to find that out.
  const patterns = [
    `${'*a'.repeat(40)}*z*`, `${'**a'.repeat(40)}**z**`, `${'*a**a'.repeat(20)}*z*`, `${'**a*a'.repeat(20)}*z**`,
    `${'*'.repeat(200)}z*`, `**${'a'.repeat(60)}b*z**`, `${'**/*a'.repeat(20)}*z**`, '**a*z**', '**/*z*/**', '**a*/*z**'
  ]
  for (const pattern of patterns) {
    for (const name of names) {
      const before = process.cpuUsage()
      t.notOk(matches(pattern, name, 'uri'))
      const { user } = process.cpuUsage(before)
      // Trying one length after the other would never end for the first pattern.
      t.ok(user < 1_000_000, `${pattern} took ${user} µs`)
    }
  }
})
