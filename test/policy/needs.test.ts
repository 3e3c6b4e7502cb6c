import fc from 'fast-check'
import t from 'tap'
import { compilePolicy } from '../../src/policy/compile.js'
import { explainNeeds, formatNeeds } from '../../src/policy/needs.js'
import type { Operation } from '../../src/policy/policy.js'
import type { Rule } from '../../src/options/policy.js'
import { policyConfig } from './policy-config.js'

function callOf (name: string): readonly Operation[] {
  return [{ method: 'tools/call' }, { method: 'tools/call', target: { kind: 'tools', name } }]
}

t.test('the alternatives are those of the rule, with those of the method', async (t) => {
  const policy = policyConfig({
    tools: { one: 'a', either: { anyOf: ['a', ['b', 'c']] }, open: true, shut: false },
    methods: { 'tools/call': { anyOf: ['a', 'm'] } },
    implies: { admin: ['a'] }
  })
  const needs = (name: string) => explainNeeds(policy, callOf(name))
  t.strictSame(needs('one').alternatives, [['a']], 'm + a is more than a')
  t.strictSame(needs('either').alternatives, [['a'], ['m', 'b', 'c']])
  t.strictSame(needs('open').alternatives, [['a'], ['m']])
  t.strictSame(needs('shut').alternatives, [])
  t.strictSame(needs('other').alternatives, [])
  t.strictSame(needs('one').impliedBy, { a: ['admin'] })
  t.strictSame(explainNeeds(policy, [{ method: 'ping' }]).alternatives, [[]])
})

t.test('the text says what is enough, and which rule says so', async (t) => {
  const policy = policyConfig({
    tools: { get_todo: 'todo:read', '*_todo': { anyOf: ['todo:write', ['todo:read', 'audit']] }, shut: false },
    implies: { 'todo:admin': ['todo:read'] }
  })
  t.equal(formatNeeds(explainNeeds(policy, callOf('get_todo'))), `allowed with todo:read
  todo:read is implied by: todo:admin
"tools/call"
  decided by methods default: any accepted token
"tools/call" on tools "get_todo"
  decided by tools.get_todo: todo:read
  overruled: tools.*_todo (tools.get_todo is exact)
`)
  t.match(formatNeeds(explainNeeds(policy, callOf('new_todo'))), /^allowed with one of\n {2}todo:write\n {2}todo:read \+ audit\n/)
  t.match(formatNeeds(explainNeeds(policy, callOf('shut'))), /^denied \(forbidden\) by tools\.shut\n/)
  t.match(formatNeeds(explainNeeds(policy, callOf('x\u001b[2J'))), /^denied \(unlisted\) by tools unlisted\n/)
  t.match(formatNeeds(explainNeeds(policy, [{ method: 'ping' }])), /^allowed with any accepted token\n/)
})

const scope = fc.constantFrom('a', 'b', 'c', 'd')
const scopes = fc.uniqueArray(scope, { minLength: 1, maxLength: 3 })
const rule: fc.Arbitrary<Rule> = fc.oneof(
  scope, scopes, fc.boolean(), fc.record({ allOf: scopes }),
  fc.record({ anyOf: fc.array(fc.oneof(scope, scopes), { minLength: 1, maxLength: 3 }) })
)

t.test('each alternative is allowed, and whatever is allowed holds one of them', async (t) => {
  fc.assert(fc.property(rule, rule, fc.uniqueArray(scope), fc.boolean(), (tool, method, held, implied) => {
    const config = policyConfig({ tools: { x: tool }, methods: { 'tools/call': method }, implies: implied ? { d: ['a'] } : {} })
    const { alternatives } = explainNeeds(config, callOf('x'))
    const allows = (these: Iterable<string>): boolean => (
      compilePolicy(config).decide(callOf('x'), new Set(these)).effect === 'allow'
    )
    const expanded = new Set([...held, ...implied && held.includes('d') ? ['a'] : []])
    const holdsOne = alternatives.some((all) => all.every((one) => expanded.has(one)))
    return alternatives.every(allows) && allows(held) === holdsOne
  }), { numRuns: 2_000 })
  t.pass()
})
