import fc from 'fast-check'
import t from 'tap'
import { closeImplications, expandScopes, findCycles, listSatisfying } from '../../src/policy/hierarchy.js'

t.test('P5: a scope implies what its implied scopes imply', async (t) => {
  const implications = closeImplications({ admin: ['write'], write: ['read'], other: ['thing'] })
  t.strictSame([...expandScopes(implications, new Set(['admin']))], ['admin', 'write', 'read'])
  t.strictSame([...expandScopes(implications, new Set(['read']))], ['read'])
  t.strictSame(listSatisfying(implications, 'read'), ['read', 'admin', 'write'])
})

t.test('a narrower scope never implies the broader one', async (t) => {
  const implications = closeImplications({ admin: ['write'] })
  t.notOk(expandScopes(implications, new Set(['write'])).has('admin'))
})

t.test('scopes that imply nothing are not copied', async (t) => {
  const scopes = new Set(['read', 'constructor', '__proto__'])
  t.equal(expandScopes(closeImplications({ admin: ['read'] }), scopes), scopes)
  t.equal(expandScopes(closeImplications({}), scopes), scopes)
})

t.test('cycles are named from a scope back to itself', async (t) => {
  t.strictSame(findCycles({ a: ['a'] }), [['a', 'a']])
  t.strictSame(findCycles({ a: ['b'], b: ['c'], c: ['a'] }), [['a', 'b', 'c', 'a']])
  t.strictSame(findCycles({ x: ['a'], a: ['b'], b: ['a'], p: ['q'], q: ['p'] }), [['a', 'b', 'a'], ['p', 'q', 'p']])
})

t.test('two ways to one scope are not a cycle', async (t) => {
  t.strictSame(findCycles({ a: ['b', 'c'], b: ['d'], c: ['d'], d: ['e'] }), [])
})

const SCOPES = ['a', 'b', 'c', 'd', 'e', '__proto__']
const scope = fc.constantFrom(...SCOPES)
const implies = fc.array(fc.tuple(scope, fc.array(scope, { maxLength: 3 })), { maxLength: 6 }).map(
  (entries) => Object.fromEntries(entries)
)

/** Whether a walk of at least one step leads from one scope to the other, found by widening step by step. */
function reaches (implies: Readonly<Record<string, readonly string[]>>, from: string, to: string): boolean {
  let front = new Set([from])
  for (let steps = 0; steps < SCOPES.length; steps++) {
    front = new Set(
      [...front].flatMap((each) => Object.hasOwn(implies, each) ? implies[each] as string[] : [])
    )
    if (front.has(to)) return true
  }
  return false
}

t.test('P5: expansion holds exactly what can be reached, and the inverse agrees', async () => {
  fc.assert(fc.property(implies, scope, scope, (implies, from, to) => {
    const implications = closeImplications(implies)
    const reachable = from === to || reaches(implies, from, to)
    return expandScopes(implications, new Set([from])).has(to) === reachable &&
      listSatisfying(implications, to).includes(from) === reachable
  }))
})

t.test('expanding twice adds nothing', async () => {
  fc.assert(fc.property(implies, fc.uniqueArray(scope), (implies, scopes) => {
    const implications = closeImplications(implies)
    const once = expandScopes(implications, new Set(scopes))
    return expandScopes(implications, once).size === once.size && scopes.every((each) => once.has(each))
  }))
})

t.test('a cycle is found whenever a scope can be reached from itself', async () => {
  fc.assert(fc.property(implies, (implies) => {
    const cycles = findCycles(implies)
    const genuine = cycles.every((cycle) => cycle.length > 1 && cycle[0] === cycle.at(-1) &&
      cycle.slice(1).every((each, index) => (implies[cycle[index] as string] as string[]).includes(each)))
    return genuine && (cycles.length > 0) === SCOPES.some((each) => reaches(implies, each, each))
  }))
})
