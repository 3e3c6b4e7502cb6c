import t from 'tap'
import { describePolicy, formatMatrix, formatRules } from '../../src/policy/describe.js'
import { PolicyError } from '../../src/policy/policy-error.js'
import { policyConfig } from './policy-config.js'

const todos = policyConfig({
  tools: { list_todos: 'todo:read', '*_todo': 'todo:write', purge: ['todo:write', 'audit'], export: { anyOf: ['todo:admin', ['todo:read', 'audit']] } },
  resources: { 'todo://**': true },
  methods: { 'tasks/*': false },
  implies: { 'todo:super': ['todo:admin'], 'todo:admin': ['todo:write'], 'todo:write': ['todo:read'] },
  unlisted: { tools: 'deny', resources: 'deny', prompts: 'allow' }
})

t.test('a policy is described rule by rule, in the order of the configuration', async (t) => {
  t.equal(formatRules(describePolicy(todos)), [
    'kind       name        may be used with',
    'tools      list_todos  todo:read',
    'tools      *_todo      todo:write',
    'tools      purge       todo:write + audit',
    'tools      export      todo:admin or todo:read + audit',
    'resources  todo://**   any accepted token',
    'methods    tasks/*     nobody',
    'tools      (unlisted)  nobody',
    'resources  (unlisted)  nobody',
    'prompts    (unlisted)  any accepted token',
    ''
  ].join('\n'))
})

t.test('the matrix counts implied scopes and tells "enough" from "one of several"', async (t) => {
  t.equal(formatMatrix(describePolicy(todos)), [
    'kind       name        audit  todo:admin  todo:read  todo:super  todo:write',
    'tools      list_todos  ·      ✓           ✓          ✓           ✓',
    'tools      *_todo      ·      ✓           ·          ✓           ✓',
    'tools      purge       +      +           ·          +           +',
    'tools      export      +      ✓           +          ✓           +',
    'resources  todo://**   ✓      ✓           ✓          ✓           ✓',
    'methods    tasks/*     ·      ·           ·          ·           ·',
    'tools      (unlisted)  ·      ·           ·          ·           ·',
    'resources  (unlisted)  ·      ·           ·          ·           ·',
    'prompts    (unlisted)  ✓      ✓           ✓          ✓           ✓',
    ''
  ].join('\n'))
})

t.test('rows are data as well', async (t) => {
  const { rows, scopes } = describePolicy(policyConfig({ tools: { 'x*': ['a', 'b'] } }))
  t.strictSame(scopes, ['a', 'b'])
  t.strictSame(rows[0], { kind: 'tools', name: 'x*', rule: 'a + b', alternatives: [['a', 'b']], effects: ['contributes', 'contributes'] })
})

t.test('a hierarchy without effect is warned about', async (t) => {
  t.strictSame(describePolicy(todos).warnings, [])
  t.match(describePolicy(policyConfig({ tools: { a: 'todo:read' }, implies: { 'todo:admin': ['todo:raed'] } })).warnings, [/^implies\.todo:admin: /])
})

t.test('a policy that cannot be compiled cannot be described', async (t) => {
  t.throws(() => describePolicy(policyConfig({ tools: { a: [] } })), PolicyError)
})

t.test('names cannot steer the terminal that a description is printed to', async (t) => {
  const text = formatRules(describePolicy(policyConfig({ tools: { 'a\u001b[31m\n\u202eb': true } })))
  t.match(text, 'a\\u{1b}[31m\\u{a}\\u{202e}b')
  t.notOk(text.includes('\u001b') || text.includes('\u202e'))
})
