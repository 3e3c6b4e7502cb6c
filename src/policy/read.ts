import type { PolicyConfig, RuleMap } from '../options/policy.js'
import { isPattern, parseGlob, type Glob } from './glob.js'
import { closeImplications, findCycles, type Implications } from './hierarchy.js'
import { findCommonName } from './overlap.js'
import { PolicyError, type PolicyProblem } from './policy-error.js'
import { findOddity, type RuleKind } from './rule-table.js'
import { findScopeProblem, readRule, type Alternatives } from './rule.js'
import { listSpellings, lowerScheme } from './uri-spelling.js'

/** One entry of a rule map. */
export interface WrittenRule {
  readonly kind: RuleKind
  readonly key: string
  /** What names are compared with: the key, a URI with its scheme in lower case. */
  readonly text: string
  readonly alternatives: Alternatives
  /** Undefined when the key is an exact name. */
  readonly glob: Glob | undefined
}

/** What a policy says, before it is made ready for look-ups. */
export interface ReadPolicy {
  readonly rules: readonly WrittenRule[]
  readonly implications: Implications
}

const RULE_KINDS: readonly RuleKind[] = ['tools', 'resources', 'prompts', 'methods']

/** Returns a rule's name as decisions report it. */
export function nameRule ({ kind, key }: { readonly kind: RuleKind, readonly key: string }): string {
  return `${kind}.${key}`
}

/** Returns what the policy says. Throws PolicyError: unreadable rules, rival patterns (P3), cycles (P5). */
export function readPolicy (config: PolicyConfig): ReadPolicy {
  const { rules, problems } = readRules(config)
  if (problems.length > 0) throw new PolicyError(problems)
  return { rules, implications: closeImplications(config.implies) }
}

/** Returns everything that keeps a policy from being read. Places are relative to the policy. */
export function findPolicyProblems (config: PolicyConfig): readonly PolicyProblem[] {
  return readRules(config).problems
}

function readRules (config: PolicyConfig): { rules: WrittenRule[], problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = []
  const rules = RULE_KINDS.flatMap((kind) => readRuleMap(kind, config[kind], problems))
  return { rules, problems: [...problems, ...findRivals(rules), ...findImpliesProblems(config.implies)] }
}

/** `Object.entries` returns only own keys: `__proto__` and `constructor` are names like any other (P3). */
function readRuleMap (kind: RuleKind, map: RuleMap, problems: PolicyProblem[]): WrittenRule[] {
  const rules: WrittenRule[] = []
  for (const [key, rule] of Object.entries(map)) {
    const place = nameRule({ kind, key })
    const keyProblem = findKeyProblem(kind, key)
    if (keyProblem !== undefined) problems.push({ place, message: keyProblem })
    const read = readRule(rule)
    if ('problem' in read) problems.push({ place, message: read.problem })
    const text = kind === 'resources' ? lowerScheme(key) : key
    const glob = isPattern(key) ? parseGlob(text, kind === 'resources' ? 'uri' : 'name') : undefined
    rules.push({ kind, key, text, glob, alternatives: 'problem' in read ? [] : read.alternatives })
  }
  return rules
}

function findKeyProblem (kind: RuleKind, key: string): string | undefined {
  if (key === '') return 'a name must not be empty'
  // A wildcard may complete a percent-escape that the text before it begins.
  if (!isPattern(key) || /%[0-9a-f]?\*/i.test(key)) return undefined
  const name = key.replace(/\*+/g, 'x')
  const oddity = findOddity(kind, name) ?? (kind === 'resources' ? findNeedlessEscape(name) : undefined)
  if (oddity === undefined) return undefined
  return `this pattern cannot match any name, because ${oddity}; give the exact name instead`
}

/** A URI with such an escape has a spelling without it, which the pattern does not match. */
function findNeedlessEscape (uri: string): string | undefined {
  if (listSpellings(uri)?.length === 0) return undefined
  return 'it encodes a slash, a backslash, a percent sign or a character that needs no encoding'
}

function findRivals (rules: readonly WrittenRule[]): PolicyProblem[] {
  return rules.flatMap((rule, index) => rules.slice(index + 1).flatMap((other) => {
    if (other.kind !== rule.kind) return []
    if (other.text === rule.text) {
      return [{ place: places(rule, other), message: 'both name the same URI: keep one' }]
    }
    if (rule.glob === undefined) return []
    if (rule.glob.literals !== other.glob?.literals) return []
    const name = findCommonName(rule.glob, other.glob)
    if (name === undefined) return []
    return [{
      place: places(rule, other),
      message: `both patterns match ${JSON.stringify(name)} and neither has more literal characters; ` +
        'make one of them more specific'
    }]
  }))
}

function places (rule: WrittenRule, other: WrittenRule): string {
  return `${nameRule(rule)}, ${nameRule(other)}`
}

function findImpliesProblems (implies: PolicyConfig['implies']): PolicyProblem[] {
  const problems = Object.entries(implies).flatMap(([scope, implied]) =>
    [scope, ...implied].map(findScopeProblem)
      .filter((message) => message !== undefined)
      .map((message) => ({ place: `implies.${scope}`, message })))
  const cycles = findCycles(implies).map((cycle) => ({
    place: `implies.${cycle[0]}`,
    message: `${cycle.join(' → ')} is a cycle`
  }))
  return [...problems, ...cycles]
}
