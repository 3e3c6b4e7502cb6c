import t, { type Test } from 'tap'
import type { PolicyConfig } from '../../src/options/policy.js'
import { compilePolicy } from '../../src/policy/compile.js'
import { PolicyError, type PolicyProblem } from '../../src/policy/policy-error.js'
import { policyConfig } from './policy-config.js'

function problemsOf (t: Test, parts: Partial<PolicyConfig>): readonly PolicyProblem[] {
  try {
    compilePolicy(policyConfig(parts))
  } catch (error) {
    if (error instanceof PolicyError) return error.problems
    throw error
  }
  t.fail('the policy compiled')
  return []
}

t.test('P3: two equally specific patterns that share a name are refused, naming both', async (t) => {
  t.match(problemsOf(t, { tools: { '*_todo': 'a', 'todo_*': 'b' } }), [{ place: 'tools.*_todo, tools.todo_*', message: /"todo_todo"/ }])
  t.match(problemsOf(t, { resources: { 'https://h/*': 'a', 'https://h/**': 'b' } }), [{ place: 'resources.https://h/*, resources.https://h/**' }])
  t.match(problemsOf(t, { methods: { '*': 'a', '**': 'a' } }), [{ place: 'methods.*, methods.**' }])
})

t.test('patterns are not rivals when one is more specific, they share no name, or they are of different kinds', async (t) => {
  compilePolicy(policyConfig({
    tools: { '*': 'a', '*_todo': 'b', 'get_*': 'c', 'set_*': 'd', 'delete_*': 'e' },
    prompts: { '*_todo': 'a' },
    resources: { 'todo://*/a': 'a', 'todo://x/*/b': 'b' }
  }))
  t.pass('compiled')
})

t.test('every problem is listed at once', async (t) => {
  const problems = problemsOf(t, {
    tools: { list: [], '': 'a', 'x*': 'a', '*x': 'a' },
    resources: { 'a/../*': 'a' },
    prompts: { p: { anyOf: [] }, q: 'a b' },
    methods: { m: { allOf: [] } },
    implies: { a: ['b'], b: ['a'], c: ['d e'], '': ['f'] }
  })
  t.strictSame(problems.map(({ place }) => place), [
    'tools.list', 'tools.', 'resources.a/../*', 'prompts.p', 'prompts.q', 'methods.m',
    'tools.x*, tools.*x', 'implies.c', 'implies.', 'implies.a'
  ])
})

t.test('P5: a cycle of implications is refused and named', async (t) => {
  t.match(problemsOf(t, { implies: { a: ['b'], b: ['c'], c: ['a'] } }), [{ place: 'implies.a', message: 'a → b → c → a is a cycle' }])
})

t.test('the error message holds every problem', async (t) => {
  t.throws(() => compilePolicy(policyConfig({ tools: { a: [], b: '' } })), { name: 'PolicyError', message: /^tools\.a: .*\ntools\.b: / })
})

t.test('a pattern that regular names cannot fit is refused, because it would protect nothing', async (t) => {
  for (const key of ['file:///a/../*', 'https://h/%2e%2e/*', 'https://h//*', 'file:///a%2F*', 'todo://%61*', 'a\\*', 'a\u0000*']) {
    t.match(problemsOf(t, { resources: { [key]: 'a' } }), [{ message: /cannot match any name/ }], key)
  }
  compilePolicy(policyConfig({ resources: { 'HTTPS://h/*': 'a', 'Notes://**': 'a' } }))
  compilePolicy(policyConfig({ resources: { 'file:///a/.*': 'a', '**/..*': 'a', '**': 'b', '*://*/x': 'c', 'https://h/%*': 'd' }, tools: { '..*': 'a' } }))
})

t.test('the scopes of a policy are those that its rules name, sorted, without what is only in the hierarchy', async (t) => {
  const policy = compilePolicy(policyConfig({
    tools: { a: 'c', b: ['b', 'a'] },
    resources: { r: { anyOf: ['e', ['d', 'a']] } },
    methods: { m: { allOf: ['f'] }, n: true, o: false },
    implies: { admin: ['a', 'unused'] }
  }))
  t.strictSame(policy.scopes, ['a', 'b', 'c', 'd', 'e', 'f'])
})

t.test('names of inherited properties as keys are names like any other', async (t) => {
  const tools = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}') as PolicyConfig['tools']
  t.strictSame(compilePolicy(policyConfig({ tools })).scopes, ['a', 'b', 'c'])
  const problems = problemsOf(t, { implies: JSON.parse('{"__proto__":["constructor"],"constructor":["__proto__"]}') as PolicyConfig['implies'] })
  t.strictSame(problems.map(({ message }) => message), ['__proto__ → constructor → __proto__ is a cycle'])
})
