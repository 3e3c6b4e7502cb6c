import type { Decision, Operation } from './policy.js'
import { findRule, type CompiledRule, type Demand, type RuleTables } from './rule-table.js'

/** An empty list of operations is a mistake of the calling code. It must not allow anything. */
const NOTHING_ASKED: Decision = Object.freeze({
  effect: 'deny',
  rule: 'no operation',
  reason: 'forbidden',
  requiredScopes: Object.freeze([]),
  missingScopes: Object.freeze([])
})

/**
 * Decides about a message (P1). It is allowed when the rule of every operation is satisfied. `rule` is then
 * that of the last operation, which is the target's if there is a target. Allocates nothing unless scopes are
 * missing. Does not throw.
 */
export function decide (
  tables: RuleTables, operations: readonly Operation[], scopes: ReadonlySet<string>
): Decision {
  let decision = NOTHING_ASKED
  for (const operation of operations) {
    const rule = findOperationRule(tables, operation)
    if (!isSatisfied(rule, scopes)) {
      return deny(operations.map((each) => findOperationRule(tables, each)), scopes)
    }
    decision = rule.allowed
  }
  return decision
}

/** Returns the rule that decides about one operation (P1). */
export function findOperationRule (
  tables: RuleTables, { method, target, response }: Operation
): CompiledRule {
  if (target === undefined) return response === true ? tables.responses : findRule(tables.methods, method)
  switch (target.kind) {
    case 'tools': return findRule(tables.tools, target.name)
    case 'resources': return findRule(tables.resources, target.name)
    case 'prompts': return findRule(tables.prompts, target.name)
    default: return tables.methods.denied
  }
}

function isSatisfied ({ alternatives }: CompiledRule, scopes: ReadonlySet<string>): boolean {
  return alternatives.some((demands) => demands.every((demand) => isMet(demand, scopes)))
}

function isMet ({ satisfiedBy }: Demand, scopes: ReadonlySet<string>): boolean {
  return satisfiedBy.some((scope) => scopes.has(scope))
}

/**
 * Returns the denial of a message. When no scope helps with one of its operations, that decides. Otherwise
 * the client learns at once every scope that the message needs (P7), also for operations that are allowed
 * already.
 */
function deny (rules: readonly CompiledRule[], scopes: ReadonlySet<string>): Decision {
  const denying = rules.filter((rule) => !isSatisfied(rule, scopes))
  const final = denying.find((rule) => rule.alternatives.length === 0)
  if (final !== undefined) return final.refused

  const chosen = rules.flatMap((rule) => chooseAlternative(rule, scopes))
  return {
    effect: 'deny',
    rule: (denying[0] as CompiledRule).name,
    reason: 'insufficient_scope',
    requiredScopes: listScopes(chosen),
    missingScopes: listScopes(chosen.filter((demand) => !isMet(demand, scopes)))
  }
}

/** Returns the alternative with the fewest missing scopes, the first one on a tie (P7). */
function chooseAlternative ({ alternatives }: CompiledRule, scopes: ReadonlySet<string>): readonly Demand[] {
  let chosen: readonly Demand[] = []
  let fewest = Infinity
  for (const demands of alternatives) {
    const missing = demands.filter((demand) => !isMet(demand, scopes)).length
    if (missing >= fewest) continue
    chosen = demands
    fewest = missing
  }
  return chosen
}

function listScopes (demands: readonly Demand[]): string[] {
  return [...new Set(demands.map(({ scope }) => scope))]
}
