import fc from 'fast-check'
import t from 'tap'
import type { PolicyConfig } from '../../src/options/policy.js'
import { compilePolicy } from '../../src/policy/compile.js'
import { PolicyError } from '../../src/policy/policy-error.js'
import { DEFAULT_METHODS, RESPONSES } from '../../src/policy/methods.js'
import type { Decision, Operation, Policy, TargetKind } from '../../src/policy/policy.js'
import { policyConfig } from './policy-config.js'

const policy = (parts: Partial<PolicyConfig>): Policy => compilePolicy(policyConfig(parts))
const on = (kind: TargetKind, name: string): Operation => ({ method: `${kind}/x`, target: { kind, name } })
const tool = (name: string): Operation => on('tools', name)
const uri = (name: string): Operation => on('resources', name)
const method = (name: string): Operation => ({ method: name })
function ask (policy: Policy, operations: readonly Operation[], ...scopes: string[]): Decision {
  return policy.decide(operations, new Set(scopes))
}
const refusal = (rule: string, reason: string): object => ({ effect: 'deny', rule, reason, requiredScopes: [], missingScopes: [] })

const INHERITED = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf', '__defineGetter__', 'isPrototypeOf']

t.test('names of inherited properties are unlisted unless a rule names them', async (t) => {
  const named = policy({ tools: JSON.parse('{"__proto__":"a"}') as PolicyConfig['tools'] })
  for (const name of INHERITED) {
    for (const kind of ['tools', 'resources', 'prompts'] as const) {
      t.strictSame(ask(policy({ tools: { x: true } }), [on(kind, name)], 'a'), refusal(`${kind} unlisted`, 'unlisted'))
    }
    t.strictSame(ask(policy({}), [method(name)], 'a'), refusal('methods default', 'unlisted'))
    t.equal(ask(named, [tool(name)], 'a').effect, name === '__proto__' ? 'allow' : 'deny')
  }
})

t.test('nobody holds a scope by accident because its name is that of an inherited property', async (t) => {
  const rules = policy({ tools: { a: 'constructor', b: '__proto__' }, implies: JSON.parse('{"x":["__proto__"]}') as PolicyConfig['implies'] })
  t.match(ask(rules, [tool('a')]), { effect: 'deny', missingScopes: ['constructor'] })
  t.match(ask(rules, [tool('b')], 'y'), { effect: 'deny', missingScopes: ['__proto__'] })
  t.match(ask(rules, [tool('b')], 'x'), { effect: 'allow' })
})

t.test('a name that is spelled like a pattern gets nothing from that pattern but a match', async (t) => {
  const rules = policy({ tools: { '*_todo': 'write', '*': false } })
  t.match(ask(rules, [tool('*_todo')], 'write'), { effect: 'allow', rule: 'tools.*_todo' })
  t.match(ask(rules, [tool('*')], 'write'), { effect: 'deny', rule: 'tools.*', reason: 'forbidden' })
})

t.test('names are compared exactly: no case folding, trimming or normalisation', async (t) => {
  const rules = policy({ tools: { list: true, café: true } })
  for (const name of ['List', 'LIST', ' list', 'list ', 'list\u0000', 'lıst', 'liſt', 'list\u200b', 'cafe\u0301']) {
    t.strictSame(ask(rules, [tool(name)]), refusal('tools unlisted', 'unlisted'), JSON.stringify(name))
  }
})

t.test('P6: odd names and URIs match no pattern, not even one for everything, and are not let in as unlisted', async (t) => {
  const open = policy({ tools: { '*': true }, resources: { '**': true }, prompts: { '*': true }, methods: { '*': true } })
  const unlisted = policy({ unlisted: { tools: 'allow', resources: 'allow', prompts: 'allow' } })
  for (const rules of [open, unlisted]) {
    for (const kind of ['tools', 'prompts', 'resources'] as const) {
      t.strictSame(ask(rules, [on(kind, 'a\u0000b')], 'a'), refusal(`${kind} unlisted`, 'unlisted'))
      t.strictSame(ask(rules, [on(kind, 'a'.repeat(8193))], 'a'), refusal(`${kind} unlisted`, 'unlisted'))
      t.match(ask(rules, [on(kind, 'a'.repeat(8192))], 'a'), { effect: 'allow' })
    }
    for (const name of ['file:///a/../b', 'file:///a/%2e%2e/b', 'file:///a%2F%2Fb', 'file:///a\\b', 'file:///a/%252e%252e/b', 'file:////b']) {
      t.strictSame(ask(rules, [uri(name)], 'a'), refusal('resources unlisted', 'unlisted'), name)
    }
  }
  t.strictSame(ask(open, [method('tasks/\u0000')], 'a'), refusal('methods default', 'unlisted'))
  t.strictSame(ask(unlisted, [method('notifications/\u0000')], 'a'), refusal('methods default', 'unlisted'))
})

t.test('a name of megabytes costs nothing, whatever the patterns', async (t) => {
  const rules = policy({ resources: { [`${'**a*a'.repeat(20)}*z**`]: 'a', [`${'*a**a'.repeat(21)}**z*`]: 'a' } })
  const operations = [uri('a'.repeat(4_000_000))]
  const before = process.cpuUsage()
  t.match(ask(rules, operations, 'a'), { effect: 'deny', reason: 'unlisted' })
  const { user } = process.cpuUsage(before)
  t.ok(user < 20_000, `took ${user} µs`)
})

t.test('P6: an exact rule may name an odd URI', async (t) => {
  const rules = policy({ resources: { 'file:///a/../b': 'r', 'tab\there': 'r' } })
  t.match(ask(rules, [uri('file:///a/../b')], 'r'), { effect: 'allow', rule: 'resources.file:///a/../b' })
  t.match(ask(rules, [uri('tab\there')], 'r'), { effect: 'allow' })
})

t.test('another spelling of a URI does not slip past a stricter rule into a wider one', async (t) => {
  const rules = policy({ resources: { 'file:///secret/**': 'admin', 'file:///**': 'read', '**': 'read' } })
  const spellings = [
    'file:///public/../secret/x', 'file:///%73ecret/x', 'file:////secret/x', 'file:///./secret/x', 'file:///public/..%2fsecret/x',
    'FILE:///secret/x', 'file:///public\\..\\secret/x', 'file:///secret%2fx', 'file:///public/%252e%252e/secret/x'
  ]
  for (const name of spellings) t.match(ask(rules, [uri(name)], 'read'), { effect: 'deny' }, name)
  t.match(ask(rules, [uri('file:///public/x')], 'read'), { effect: 'allow' })
})

t.test('a message that asks for nothing is denied', async (t) => {
  t.match(ask(policy({ methods: { '*': true }, unlisted: { tools: 'allow', resources: 'allow', prompts: 'allow' } }), []), { effect: 'deny', reason: 'forbidden' })
})

t.test('a target of a kind that does not exist is denied', async (t) => {
  const rules = policy({ unlisted: { tools: 'allow', resources: 'allow', prompts: 'allow' }, methods: { '*': true } })
  for (const kind of ['methods', '__proto__', 'responses', 'tool']) {
    t.match(ask(rules, [on(kind as TargetKind, 'x')], 'a'), { effect: 'deny', reason: 'unlisted' }, kind)
  }
})

t.test('P1: a client cannot pass a method off as a response', async (t) => {
  const rules = policy({})
  t.match(ask(rules, [{ method: 'anything', response: true }]), { effect: 'allow', rule: 'methods default' })
  t.strictSame(ask(rules, [method(RESPONSES)]), refusal('methods default', 'unlisted'))
  t.strictSame(ask(policy({ methods: { [RESPONSES]: true } }), [method(RESPONSES)]), refusal('methods default', 'unlisted'))
})

t.test('responses follow their own rule or a pattern', async (t) => {
  const response: Operation = { method: 'ping', response: true }
  t.match(ask(policy({ methods: { [RESPONSES]: 'a' } }), [response]), { rule: `methods.${RESPONSES}`, missingScopes: ['a'] })
  t.match(ask(policy({ methods: { '*': false } }), [response], 'a'), { rule: 'methods.*', reason: 'forbidden' })
  t.match(ask(policy({ methods: { ping: false } }), [response]), { effect: 'allow' }, 'its label is no method')
})

t.test('a rule for a method with a target adds to the rule of the target', async (t) => {
  const rules = policy({ tools: { a: 'a' }, methods: { 'tools/*': 'call' } })
  const call = [method('tools/call'), tool('a')]
  t.match(ask(rules, call, 'a'), { rule: 'methods.tools/*', requiredScopes: ['call', 'a'], missingScopes: ['call'] })
  t.match(ask(rules, call, 'call'), { rule: 'tools.a', requiredScopes: ['call', 'a'], missingScopes: ['a'] })
  t.strictSame(ask(rules, call, 'a', 'call'), { effect: 'allow', rule: 'tools.a' })
  t.match(ask(policy({ tools: { a: true }, methods: { 'tools/call': false } }), call), { rule: 'methods.tools/call', reason: 'forbidden' })
})

t.test('P7: a denial that no scope can lift names no scopes', async (t) => {
  const rules = policy({ resources: { a: 'a', b: 'b', c: false } })
  t.strictSame(ask(rules, [uri('a'), uri('c'), uri('d')]), refusal('resources.c', 'forbidden'))
  t.strictSame(ask(rules, [uri('a'), uri('d'), uri('c')]), refusal('resources unlisted', 'unlisted'))
  t.strictSame(ask(rules, [uri('a'), uri('b'), uri('a')], 'a'), {
    effect: 'deny', rule: 'resources.b', reason: 'insufficient_scope', requiredScopes: ['a', 'b'], missingScopes: ['b']
  })
})

t.test('P7: of several alternatives the one with the fewest missing scopes is asked for, the first one on a tie', async (t) => {
  const rules = policy({ tools: { x: { anyOf: [['a', 'b'], 'c', ['d', 'e']] } }, implies: { super: ['d'] } })
  t.match(ask(rules, [tool('x')]), { requiredScopes: ['c'], missingScopes: ['c'] })
  t.match(ask(rules, [tool('x')], 'b'), { requiredScopes: ['a', 'b'], missingScopes: ['a'] })
  t.match(ask(rules, [tool('x')], 'super'), { requiredScopes: ['c'], missingScopes: ['c'] })
  t.match(ask(policy({ tools: { x: { anyOf: [['a', 'b', 'c'], ['d', 'e']] } }, implies: { super: ['d'] } }), [tool('x')], 'super'),
    { requiredScopes: ['d', 'e'], missingScopes: ['e'] })
})

t.test('decisions that are shared between requests cannot be changed', async (t) => {
  const decision = ask(policy({ tools: { a: false } }), [tool('a')])
  t.throws(() => Object.assign(decision, { effect: 'allow' }))
  t.throws(() => (decision as unknown as { requiredScopes: string[] }).requiredScopes.push('x'))
  t.throws(() => Object.assign(ask(policy({ tools: { a: true } }), [tool('a')]), { rule: 'x' }))
})

t.test('a compiled policy does not follow changes of the configuration', async (t) => {
  const tools: Record<string, string> = { a: 'a' }
  const rules = policy({ tools })
  tools['a'] = 'b'
  tools['c'] = 'a'
  t.match(ask(rules, [tool('a')], 'a'), { effect: 'allow' })
  t.match(ask(rules, [tool('c')], 'a'), { effect: 'deny' })
})

const scope = fc.constantFrom('a', 'b', 'c', 'd')
const rule = fc.oneof(
  scope, fc.boolean(), fc.array(scope, { minLength: 1, maxLength: 3 }),
  fc.record({ allOf: fc.array(scope, { minLength: 1, maxLength: 3 }) }),
  fc.record({
    anyOf: fc.array(fc.oneof(scope, fc.array(scope, { minLength: 1, maxLength: 2 })), {
      minLength: 1,
      maxLength: 3
    })
  })
)
const key = fc.constantFrom('x', 'xy', 'x/y', '*', 'x*', '*y', 'x*y', '**/y')
const ruleMap = fc.dictionary(key, rule, { maxKeys: 5 })
const narrower: Readonly<Record<string, string[]>> = { a: ['b', 'c', 'd'], b: ['c', 'd'], c: ['d'] }
const implies = fc.record({ a: fc.subarray(narrower['a'] as string[]), b: fc.subarray(narrower['b'] as string[]), c: fc.subarray(narrower['c'] as string[]) }, { requiredKeys: [] })
const unlisted = fc.constantFrom('deny' as const, 'allow' as const)
const config = fc.record({
  tools: ruleMap,
  resources: ruleMap,
  prompts: ruleMap,
  methods: ruleMap,
  implies,
  unlisted: fc.record({ tools: unlisted, resources: unlisted, prompts: unlisted }),
  filterLists: fc.boolean()
}) as fc.Arbitrary<PolicyConfig>
const name = fc.constantFrom('x', 'xy', 'x/y', 'xzy', 'x/z/y', 'z', 'x\u0000y', 'x/../y')
const operation = fc.oneof(
  fc.record({ method: fc.oneof(name, fc.constantFrom(...DEFAULT_METHODS)) }),
  fc.record({ method: fc.constant('m'), target: fc.record({ kind: fc.constantFrom<TargetKind>('tools', 'resources', 'prompts'), name }) })
)
const operations = fc.array(operation, { minLength: 1, maxLength: 4 })

function compileOrSkip (config: PolicyConfig): Policy {
  try {
    return compilePolicy(config)
  } catch (error) {
    fc.pre(!(error instanceof PolicyError))
    throw error
  }
}

t.test('more scopes never turn an allowed message into a denied one', async () => {
  fc.assert(fc.property(config, operations, fc.subarray(['a', 'b', 'c', 'd']), scope, (config, operations, scopes, more) => {
    const rules = compileOrSkip(config)
    return rules.decide(operations, new Set(scopes)).effect === 'deny' || rules.decide(operations, new Set([...scopes, more])).effect === 'allow'
  }), { numRuns: 2_000 })
})

t.test('the required scopes lift a denial for missing scopes, with and without those that are held', async () => {
  fc.assert(fc.property(config, operations, fc.subarray(['a', 'b', 'c', 'd']), (config, operations, scopes) => {
    const rules = compileOrSkip(config)
    const decision = rules.decide(operations, new Set(scopes))
    if (decision.effect === 'allow') return true
    if (decision.reason !== 'insufficient_scope') return rules.decide(operations, new Set(['a', 'b', 'c', 'd'])).effect === 'deny'
    return decision.missingScopes.length > 0 &&
      decision.missingScopes.every((each) => decision.requiredScopes.includes(each)) &&
      rules.decide(operations, new Set(decision.requiredScopes)).effect === 'allow' &&
      rules.decide(operations, new Set([...scopes, ...decision.missingScopes])).effect === 'allow'
  }), { numRuns: 2_000 })
})

t.test('a message is allowed exactly when each of its operations is', async () => {
  fc.assert(fc.property(config, operations, fc.subarray(['a', 'b', 'c', 'd']), (config, operations, scopes) => {
    const rules = compileOrSkip(config)
    const held = new Set(scopes)
    const each = operations.every((operation) => rules.decide([operation], held).effect === 'allow')
    return (rules.decide(operations, held).effect === 'allow') === each
  }))
})
