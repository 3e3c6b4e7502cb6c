import type { PolicyConfig } from '../options/policy.js'
import { decide } from './decide.js'
import { parseGlob } from './glob.js'
import type { Implications } from './hierarchy.js'
import { DEFAULT_METHOD_PATTERN, DEFAULT_METHODS, RESPONSES } from './methods.js'
import type { Policy, TargetKind } from './policy.js'
import {
  compileRule, findRule, type CompiledRule, type PatternRule, type RuleKind, type RuleTable, type RuleTables
} from './rule-table.js'
import { nameRule, readPolicy, type ReadPolicy, type WrittenRule } from './read.js'
import type { Alternatives } from './rule.js'
import { listSpellings } from './uri-spelling.js'

const ANYBODY: Alternatives = [[]]
const NOBODY: Alternatives = []
const NO_IMPLICATIONS: Implications = new Map()
const NO_SPELLINGS: RuleTable['spellings'] = new Map()

/** Returns the policy ready for deciding. Throws PolicyError with every problem of it (P2, P3, P5). */
export function compilePolicy (config: PolicyConfig): Policy {
  const read = readPolicy(config)
  const tables = compileTables(read, config.unlisted)
  return {
    decide: (operations, scopes) => decide(tables, operations, scopes),
    scopes: listRuleScopes(read)
  }
}

/** Returns the look-up tables behind a policy, also for explaining a decision. Does not throw. */
export function compileTables (read: ReadPolicy, unlisted: PolicyConfig['unlisted']): RuleTables {
  return {
    tools: compileTable(read, 'tools', unlisted.tools),
    resources: compileTable(read, 'resources', unlisted.resources),
    prompts: compileTable(read, 'prompts', unlisted.prompts),
    ...compileMethods(read)
  }
}

/** Returns every scope that a rule names, sorted by code unit. */
export function listRuleScopes ({ rules }: ReadPolicy): string[] {
  return [...new Set(rules.flatMap(({ alternatives }) => alternatives.flat()))].sort()
}

function compileTable (read: ReadPolicy, kind: TargetKind, unlisted: 'deny' | 'allow'): RuleTable {
  const denied = compileRule(`${kind} unlisted`, NOBODY, NO_IMPLICATIONS, 'unlisted')
  const allowed = compileRule(`${kind} unlisted`, ANYBODY, NO_IMPLICATIONS, 'unlisted')
  const { exact, patterns } = compileRules(read, kind)
  const spellings = kind === 'resources' ? spell(exact, denied) : NO_SPELLINGS
  return { kind, exact, spellings, patterns, denied, unlisted: unlisted === 'allow' ? allowed : denied }
}

/**
 * Each known method is looked up here, once, and becomes an entry of `exact` with the rule that decides about
 * it. An operator's rule, exact or a pattern, beats the default (P1).
 */
function compileMethods (read: ReadPolicy): Pick<RuleTables, 'methods' | 'responses'> {
  const allowed = compileRule('methods default', ANYBODY, NO_IMPLICATIONS, 'unlisted')
  const denied = compileRule('methods default', NOBODY, NO_IMPLICATIONS, 'unlisted')
  const { exact, patterns } = compileRules(read, 'methods')
  const written: RuleTable = {
    kind: 'methods', exact, spellings: NO_SPELLINGS, patterns, denied, unlisted: allowed
  }
  const responses = findRule(written, RESPONSES)

  const known = DEFAULT_METHODS.map((method) => [method, findRule(written, method)] as const)
  const named = new Map<string, CompiledRule>([...exact, ...known])
  named.delete(RESPONSES)
  const notifications: PatternRule = { glob: parseGlob(DEFAULT_METHOD_PATTERN, 'name'), rule: allowed }
  return {
    methods: {
      kind: 'methods',
      exact: named,
      spellings: NO_SPELLINGS,
      patterns: [...patterns, notifications],
      denied,
      unlisted: denied
    },
    responses
  }
}

/** Returns the rules of all other spellings of exact URIs; `denied` where two rules share one. */
function spell (exact: RuleTable['exact'], denied: CompiledRule): RuleTable['spellings'] {
  const spellings = new Map<string, CompiledRule>()
  for (const [uri, rule] of exact) {
    for (const spelling of listSpellings(uri) ?? []) {
      spellings.set(spelling, (spellings.get(spelling) ?? rule) === rule ? rule : denied)
    }
  }
  return spellings
}

function compileRules (
  { rules, implications }: ReadPolicy, kind: RuleKind
): Pick<RuleTable, 'exact' | 'patterns'> {
  const ofKind = rules.filter((rule) => rule.kind === kind)
  const compile = (rule: WrittenRule): CompiledRule =>
    compileRule(nameRule(rule), rule.alternatives, implications, 'forbidden')
  const patterns = ofKind
    .flatMap((rule) => rule.glob === undefined ? [] : [{ glob: rule.glob, rule: compile(rule) }])
    .sort((a, b) => b.glob.literals - a.glob.literals)
  return {
    exact: new Map(ofKind.filter(({ glob }) => glob === undefined).map((rule) => [rule.text, compile(rule)])),
    patterns
  }
}
