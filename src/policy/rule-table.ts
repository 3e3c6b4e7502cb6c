import { matchesGlob, type Glob } from './glob.js'
import { listSatisfying, type Implications } from './hierarchy.js'
import type { Decision, TargetKind } from './policy.js'
import { findNameOddity, findUriOddity, LONGEST_PATTERN_NAME } from './regular-name.js'
import type { Alternatives } from './rule.js'
import { listSpellings, lowerScheme } from './uri-spelling.js'

/** The rule maps of a policy: one for each kind of target, and one for methods. */
export type RuleKind = TargetKind | 'methods'

/** One scope that a rule demands, and what satisfies it: so deciding never expands a principal's scopes. */
export interface Demand {
  readonly scope: string
  /** To hold one of these is enough. */
  readonly satisfiedBy: readonly string[]
}

export interface CompiledRule {
  /** As decisions report it: `tools.*_todo`, `methods default`, `tools unlisted`. */
  readonly name: string
  readonly alternatives: ReadonlyArray<readonly Demand[]>
  /** The decision when the principal holds an alternative, made once. */
  readonly allowed: Decision
  /** The decision when no scope helps, made once. */
  readonly refused: Decision
}

export interface PatternRule {
  readonly glob: Glob
  readonly rule: CompiledRule
}

/** The rules of one kind, ready for look-up. */
export interface RuleTable {
  readonly kind: RuleKind
  /** URIs with their scheme in lower case. */
  readonly exact: ReadonlyMap<string, CompiledRule>
  /** Other spellings of the exact URIs. One that two rules share stands for `denied` (P6). */
  readonly spellings: ReadonlyMap<string, CompiledRule>
  /** Most specific first. */
  readonly patterns: readonly PatternRule[]
  /** For names that no rule matches, and for those that only an exact rule may match (P6). */
  readonly denied: CompiledRule
  /** For names that no rule matches: it allows them when the policy does, else it is `denied` (P4). */
  readonly unlisted: CompiledRule
}

export type RuleTables = Readonly<Record<RuleKind, RuleTable>> & { readonly responses: CompiledRule }

/** Returns a rule ready for deciding. `denial` is its reason when it has no alternatives. */
export function compileRule (
  name: string, alternatives: Alternatives, implications: Implications, denial: 'forbidden' | 'unlisted'
): CompiledRule {
  const none = Object.freeze([])
  const demand = (scope: string): Demand => ({ scope, satisfiedBy: listSatisfying(implications, scope) })
  return {
    name,
    alternatives: alternatives.map((scopes) => scopes.map(demand)),
    allowed: Object.freeze({ effect: 'allow', rule: name }),
    refused: Object.freeze({
      effect: 'deny', rule: name, reason: denial, requiredScopes: none, missingScopes: none
    })
  }
}

/**
 * Returns the one rule that decides about a name: the exact one, else the most specific pattern, else the one
 * for unlisted names (P3, P4, P6).
 */
export function findRule (table: RuleTable, name: string): CompiledRule {
  const written = asCompared(table, name)
  const exact = table.exact.get(written)
  if (exact !== undefined) return exact
  const found = findPattern(table.patterns, written) ?? table.unlisted
  return found === table.denied || findDoubtAbout(found, table, written) === undefined ? found : table.denied
}

/** Returns why only an exact rule may decide about a name, or undefined when patterns may, too (P6). */
export function findDoubt (table: RuleTable, name: string): string | undefined {
  const written = asCompared(table, name)
  return findDoubtAbout(findPattern(table.patterns, written) ?? table.unlisted, table, written)
}

function asCompared ({ kind }: RuleTable, name: string): string {
  return kind === 'resources' ? lowerScheme(name) : name
}

function findDoubtAbout (found: CompiledRule, table: RuleTable, name: string): string | undefined {
  const oddity = findOddity(table.kind, name)
  if (oddity !== undefined || table.kind !== 'resources' || !name.includes('%')) return oddity
  const spellings = listSpellings(name)
  if (spellings === undefined) return 'it is percent-encoded several times over'
  for (const spelling of spellings) {
    const doubt = findOddity(table.kind, spelling)
    if (doubt !== undefined) return `decoded, ${doubt}`
    if (findSpelled(table, spelling) !== found) return 'decoded, it falls under another rule'
  }
  return undefined
}

/** Returns the rule that a spelling falls under which no rule may have been written for. */
function findSpelled ({ exact, spellings, patterns, unlisted }: RuleTable, name: string): CompiledRule {
  return exact.get(name) ?? spellings.get(name) ?? findPattern(patterns, name) ?? unlisted
}

/** Returns why a name of this kind may match only an exact rule, or undefined (P6). */
export function findOddity (kind: RuleKind, name: string): string | undefined {
  return kind === 'resources' ? findUriOddity(name) : findNameOddity(name)
}

function findPattern (patterns: readonly PatternRule[], name: string): CompiledRule | undefined {
  // Checked before any pattern is tried, so that a very long name costs nothing.
  if (name.length > LONGEST_PATTERN_NAME) return undefined
  for (const { glob, rule } of patterns) {
    if (matchesGlob(glob, name)) return rule
  }
  return undefined
}
