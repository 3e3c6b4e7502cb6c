import type { PolicyConfig } from '../options/policy.js'
import { listRuleScopes } from './compile.js'
import { expandScopes, type Implications } from './hierarchy.js'
import { formatColumns } from './printable.js'
import { readPolicy, type ReadPolicy } from './read.js'
import type { RuleKind } from './rule-table.js'
import { describeAlternatives, type Alternatives } from './rule.js'

/** What a scope does for a rule: it suffices, it is one of several that are needed, or it does nothing. */
export type ScopeEffect = 'suffices' | 'contributes' | 'none'

export interface RuleRow {
  readonly kind: RuleKind
  /** The rule's key, or `(unlisted)` for targets that no rule names (P4). */
  readonly name: string
  /** `todo:read`, `a + b`, `a or b + c`, `any accepted token`, `nobody`. */
  readonly rule: string
  /** The same as data: all scopes of one must be held. */
  readonly alternatives: Alternatives
  /** One for each scope of the description, in that order. What a scope implies counts for it. */
  readonly effects: readonly ScopeEffect[]
}

export interface PolicyDescription {
  readonly rows: readonly RuleRow[]
  /** The scopes that rules name and those that imply one of them, sorted. */
  readonly scopes: readonly string[]
  /** What has no effect, probably by mistake. (`config` warns about what is allowed but seldom meant.) */
  readonly warnings: readonly string[]
}

/** Returns what each scope does for each rule. Throws PolicyError for a policy that cannot be compiled. */
export function describePolicy (config: PolicyConfig): PolicyDescription {
  const read = readPolicy(config)
  const scopes = listEffectiveScopes(read)
  const describeRow = (kind: RuleKind, name: string, alternatives: Alternatives): RuleRow => ({
    kind,
    name,
    rule: describeAlternatives(alternatives),
    alternatives,
    effects: scopes.map((scope) => findEffect(read.implications, scope, alternatives))
  })
  const written = read.rules.map(({ kind, key, alternatives }) => describeRow(kind, key, alternatives))
  const unlisted = UNLISTED_KINDS.map((kind) =>
    describeRow(kind, '(unlisted)', config.unlisted[kind] === 'allow' ? [[]] : []))
  return { rows: [...written, ...unlisted], scopes, warnings: listWarnings(read) }
}

const UNLISTED_KINDS = ['tools', 'resources', 'prompts'] as const

/** Returns the rules as a table of text: kind, name, who may. */
export function formatRules ({ rows }: PolicyDescription): string {
  return formatColumns([
    ['kind', 'name', 'may be used with'],
    ...rows.map(({ kind, name, rule }) => [kind, name, rule])
  ])
}

/**
 * Returns rules × scopes as a table of text: ✓ where the scope suffices, + where it is one of several that
 * are needed, · where it does nothing.
 */
export function formatMatrix ({ rows, scopes }: PolicyDescription): string {
  return formatColumns([
    ['kind', 'name', ...scopes],
    ...rows.map(({ kind, name, effects }) => [kind, name, ...effects.map((effect) => MARKS[effect])])
  ])
}

const MARKS: Readonly<Record<ScopeEffect, string>> = { suffices: '✓', contributes: '+', none: '·' }

function listEffectiveScopes (read: ReadPolicy): string[] {
  const named = listRuleScopes(read)
  const broader = [...read.implications]
    .filter(([, implied]) => named.some((scope) => implied.has(scope)))
    .map(([scope]) => scope)
  return [...new Set([...named, ...broader])].sort()
}

function findEffect (implications: Implications, scope: string, alternatives: Alternatives): ScopeEffect {
  const held = expandScopes(implications, new Set([scope]))
  if (alternatives.some((scopes) => scopes.every((each) => held.has(each)))) return 'suffices'
  return alternatives.some((scopes) => scopes.some((each) => held.has(each))) ? 'contributes' : 'none'
}

function listWarnings (read: ReadPolicy): string[] {
  const named = listRuleScopes(read)
  return [...read.implications].filter(([, implied]) => !named.some((scope) => implied.has(scope)))
    .map(([scope]) => `implies.${scope}: no rule names a scope that it implies`)
}
