import type { PolicyConfig } from '../options/policy.js'
import { compileTables } from './compile.js'
import { findOperationRule } from './decide.js'
import {
  explainDecision, formatDecision, formatOperation, listScopes, type OperationExplanation
} from './explain.js'
import type { Decision, Operation } from './policy.js'
import { printable } from './printable.js'
import { readPolicy } from './read.js'
import type { Alternatives } from './rule.js'

/** Which scopes a message needs, whoever sends it. */
export interface Needs {
  /** To hold all scopes of one is enough. Empty when no scope helps; an empty one when any token will do. */
  readonly alternatives: Alternatives
  /** For each scope above that others imply: those others. */
  readonly impliedBy: Readonly<Record<string, readonly string[]>>
  /** The decision about a caller without scopes, and what led to it. */
  readonly decision: Decision
  readonly operations: readonly OperationExplanation[]
}

/**
 * Returns which scopes a message needs, from the same code that decides about requests. Throws PolicyError
 * for a policy that cannot be compiled.
 */
export function explainNeeds (config: PolicyConfig, operations: readonly Operation[]): Needs {
  const read = readPolicy(config)
  const tables = compileTables(read, config.unlisted)
  const rules = operations.map((operation) => findOperationRule(tables, operation))
  const demands = rules.flatMap(({ alternatives }) => alternatives.flat())
  const { decision, operations: explained } = explainDecision(config, operations, new Set())
  return {
    alternatives: combine(rules.map(({ alternatives }) =>
      alternatives.map((scopes) => scopes.map(({ scope }) => scope)))),
    impliedBy: Object.fromEntries(demands.flatMap(({ scope, satisfiedBy }) => {
      const others = satisfiedBy.filter((other) => other !== scope)
      return others.length === 0 ? [] : [[scope, others]]
    })),
    decision,
    operations: explained
  }
}

/** Returns the ways to satisfy all rules: an alternative of each. A way that contains another is left out. */
function combine (rules: readonly Alternatives[]): Alternatives {
  const ways = rules.reduce<Alternatives>((ways, alternatives) => ways.flatMap((way) => (
    alternatives.map((scopes) => [...new Set([...way, ...scopes])])
  )), [[]])
  return ways.filter((way, index) => !ways.some((other, at) => (
    at !== index && other.every((scope) => way.includes(scope)) && (other.length < way.length || at < index)
  )))
}

/** Returns the needs as text that is safe to print on a terminal. Every line ends in a newline. */
export function formatNeeds ({ alternatives, impliedBy, decision, operations }: Needs): string {
  const lines = [
    ...alternatives.length === 0 ? formatDecision(decision) : formatAlternatives(alternatives),
    ...Object.entries(impliedBy)
      .map(([scope, others]) => `  ${printable(scope)} is implied by: ${listScopes(others)}`),
    ...operations.flatMap((operation) => formatOperation(operation, 'decided'))
  ]
  return `${lines.join('\n')}\n`
}

function formatAlternatives (alternatives: Alternatives): string[] {
  const ways = alternatives.map((scopes) => (
    scopes.length === 0 ? 'any accepted token' : scopes.map(printable).join(' + ')
  ))
  if (ways.length === 1) return [`allowed with ${ways[0]}`]
  return ['allowed with one of', ...ways.map((way) => `  ${way}`)]
}
