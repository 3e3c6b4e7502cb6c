import t from 'tap'
import { describeAlternatives, readRule } from '../../src/policy/rule.js'

t.test('every form of a rule is read as its alternatives', async (t) => {
  const forms: ReadonlyArray<readonly [rule: unknown, alternatives: string[][], words: string]> = [
    ['a', [['a']], 'a'],
    [['a', 'b'], [['a', 'b']], 'a + b'],
    [['a', 'b', 'a'], [['a', 'b']], 'a + b'],
    [{ allOf: ['a', 'b'] }, [['a', 'b']], 'a + b'],
    [{ anyOf: ['a', ['b', 'c']] }, [['a'], ['b', 'c']], 'a or b + c'],
    [true, [[]], 'any accepted token'],
    [false, [], 'nobody']
  ]
  for (const [rule, alternatives, words] of forms) {
    t.strictSame(readRule(rule), { alternatives }, JSON.stringify(rule))
    t.equal(describeAlternatives(alternatives), words)
  }
})

t.test('an empty rule is a problem, never a condition that everybody meets', async (t) => {
  for (const rule of ['', [], [''], {}, { anyOf: [] }, { allOf: [] }, { anyOf: [[]] }, { anyOf: ['a', []] }, { anyOf: ['a', ''] }]) {
    t.ok('problem' in readRule(rule), JSON.stringify(rule))
  }
})

t.test('what is not a rule is a problem, whatever the types promised', async (t) => {
  const impostors = [
    null, undefined, 1, { anyOf: 'a' }, { anyOf: [true] }, { anyOf: ['a'], allOf: ['b'] }, { anyof: ['a'] }, { allOf: [['a']] }, [['a']], [true],
    Object.create({ anyOf: ['a'] })
  ]
  for (const rule of impostors) t.ok('problem' in readRule(rule), JSON.stringify(rule))
})

t.test('text that cannot be a scope is a problem', async (t) => {
  for (const scope of ['a b', 'a"b', 'a\\b', 'a\nb', 'é', '\u007f']) t.ok('problem' in readRule(scope), JSON.stringify(scope))
  t.match(readRule('todo:read todo:write'), { problem: /several scopes are a list/ })
  t.strictSame(readRule('https://example.com/scopes/todo.read'), { alternatives: [['https://example.com/scopes/todo.read']] })
})
