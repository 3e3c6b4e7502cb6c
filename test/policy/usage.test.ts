import t from 'tap'
import { findUsage, type ListedNames } from '../../src/policy/usage.js'
import { policyConfig } from './policy-config.js'

function listed (names: Partial<ListedNames>): ListedNames {
  return { tools: [], prompts: [], resources: [], resourceTemplates: [], ...names }
}

t.test('a rule is idle when it decides about no listed name, also when another rule decides about all it matches', async (t) => {
  const policy = policyConfig({
    tools: { list_todos: 'a', lst_todos: 'a', '*_todo': 'b', 'get_*': 'c', 'get_todo*': 'd', purge: false },
    prompts: { greet: true },
    methods: { 'tasks/*': false }
  })
  t.strictSame(findUsage(policy, listed({ tools: ['list_todos', 'get_todo', 'delete_todo', 'purge'] })), {
    idle: ['tools.lst_todos', 'tools.get_*', 'prompts.greet'],
    unruled: []
  })
})

t.test('names without a rule are listed with what happens to them', async (t) => {
  const policy = policyConfig({ tools: { a: 'x' }, unlisted: { tools: 'allow', resources: 'deny', prompts: 'deny' } })
  t.strictSame(findUsage(policy, listed({ tools: ['a', 'b', 'b\u0000', 'constructor'], prompts: ['p'], resources: ['todo://x'] })), {
    idle: [],
    unruled: [
      // Only an exact rule may decide about it, so it is denied (P6).
      { kind: 'tools', effect: 'deny', names: ['b\u0000'] },
      { kind: 'tools', effect: 'allow', names: ['b', 'constructor'] },
      { kind: 'resources', effect: 'deny', names: ['todo://x'] },
      { kind: 'prompts', effect: 'deny', names: ['p'] }
    ]
  })
})

t.test('a rule for a URI that fits a template is not idle', async (t) => {
  const policy = policyConfig({
    resources: { 'todo://items/1': 'a', 'TODO://items/*/notes': 'a', 'todo://lists/1': 'a', 'file:///**': 'a', 'todo://items/{id}': 'b' }
  })
  const usage = findUsage(policy, listed({ resourceTemplates: ['todo://items/{id}', 'todo://items/{id}/{part}'] }))
  t.strictSame(usage.idle, ['resources.todo://lists/1', 'resources.file:///**'])
  t.strictSame(usage.unruled, [{ kind: 'resources', effect: 'deny', names: ['todo://items/{id}/{part}'] }])
})

t.test('templates that would take long to compare make no rule idle', async (t) => {
  const policy = policyConfig({ resources: { 'todo://x': 'a' }, tools: { x: 'a' } })
  const usage = findUsage(policy, listed({ resourceTemplates: ['b'.repeat(70_000)] }))
  t.strictSame(usage.idle, ['tools.x'])
})
