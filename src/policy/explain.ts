import type { PolicyConfig } from '../options/policy.js'
import { compileTables } from './compile.js'
import { decide, findOperationRule } from './decide.js'
import { matchesGlob } from './glob.js'
import { expandScopes } from './hierarchy.js'
import { RESPONSES } from './methods.js'
import type { Decision, Operation, Target } from './policy.js'
import { printable } from './printable.js'
import { nameRule, readPolicy, type ReadPolicy } from './read.js'
import { findDoubt, type RuleKind, type RuleTables } from './rule-table.js'
import { describeAlternatives } from './rule.js'
import { lowerScheme } from './uri-spelling.js'

/** A decision with what led to it. */
export interface Explanation {
  readonly decision: Decision
  /** The scopes as given, sorted. */
  readonly scopes: readonly string[]
  /** The same with all that they imply, sorted. */
  readonly expandedScopes: readonly string[]
  readonly operations: readonly OperationExplanation[]
}

export interface OperationExplanation {
  readonly method: string
  readonly target?: Target
  readonly rule: string
  /** The rule in words, e.g. `todo:read or todo:admin`. */
  readonly needs: string
  /** The decision about a message with only this operation. */
  readonly decision: Decision
  /** Why no pattern may match the name. Absent when an exact rule matches it (P6). */
  readonly oddity?: string
  /** Other rules that match. */
  readonly overruled: readonly OverruledRule[]
}

export interface OverruledRule {
  readonly rule: string
  readonly reason: string
}

/**
 * Returns the decision about a message and the reasons for it, from the same code that decides about
 * requests. Throws PolicyError for a policy that cannot be compiled.
 */
export function explainDecision (
  config: PolicyConfig, operations: readonly Operation[], scopes: ReadonlySet<string>
): Explanation {
  const read = readPolicy(config)
  const tables = compileTables(read, config.unlisted)
  return {
    decision: decide(tables, operations, scopes),
    scopes: [...scopes].sort(),
    expandedScopes: [...expandScopes(read.implications, scopes)].sort(),
    operations: operations.map((operation) => explainOperation(read, tables, operation, scopes))
  }
}

function explainOperation (
  read: ReadPolicy, tables: RuleTables, operation: Operation, scopes: ReadonlySet<string>
): OperationExplanation {
  const [kind, name] = subjectOf(operation)
  const rule = findOperationRule(tables, operation)
  const isExact = read.rules.some((written) => nameRule(written) === rule.name && written.glob === undefined)
  const oddity = isExact ? undefined : findDoubt(tables[kind], name)
  const won = isExact ? `${rule.name} is exact` : `${rule.name} has more literal characters`
  return {
    method: operation.method,
    ...(operation.target === undefined ? {} : { target: operation.target }),
    rule: rule.name,
    needs: describeAlternatives(rule.alternatives.map((demands) => demands.map(({ scope }) => scope))),
    decision: decide(tables, [operation], scopes),
    ...(oddity === undefined ? {} : { oddity }),
    overruled: listMatchingPatterns(read, kind, name)
      .filter((pattern) => pattern !== rule.name)
      .map((pattern) => ({ rule: pattern, reason: oddity === undefined ? won : 'it is a pattern' }))
  }
}

/** Returns the rule map and the name in it by which an operation is looked up. */
function subjectOf ({ method, target, response }: Operation): [kind: RuleKind, name: string] {
  if (target !== undefined) return [target.kind, target.name]
  return ['methods', response === true ? RESPONSES : method]
}

function listMatchingPatterns ({ rules }: ReadPolicy, kind: RuleKind, name: string): string[] {
  const compared = kind === 'resources' ? lowerScheme(name) : name
  return rules
    .filter(({ kind: other, glob }) => other === kind && glob !== undefined && matchesGlob(glob, compared))
    .map(nameRule)
}

/** Returns the explanation as text that is safe to print on a terminal. Every line ends in a newline. */
export function formatExplanation ({ decision, scopes, expandedScopes, operations }: Explanation): string {
  const lines = [
    ...formatDecision(decision),
    `scopes: ${listScopes(scopes)}`,
    ...(expandedScopes.length > scopes.length
      ? [`  with what they imply: ${listScopes(expandedScopes)}`]
      : []),
    ...operations.flatMap((operation) => {
      return formatOperation(operation, operation.decision.effect === 'allow' ? 'allowed' : 'denied')
    })
  ]
  return `${lines.join('\n')}\n`
}

/** Returns a decision as lines of text. */
export function formatDecision (decision: Decision): string[] {
  const rule = printable(decision.rule)
  if (decision.effect === 'allow') return [`allowed by ${rule}`]
  const denied = `denied (${decision.reason}) by ${rule}`
  if (decision.reason !== 'insufficient_scope') return [denied]
  return [
    denied,
    `  required scopes: ${listScopes(decision.requiredScopes)}`,
    `  missing scopes:  ${listScopes(decision.missingScopes)}`
  ]
}

/** Returns the rule of one operation as lines of text. */
export function formatOperation (
  operation: OperationExplanation, verb: 'allowed' | 'denied' | 'decided'
): string[] {
  const { method, target, rule, needs, oddity, overruled } = operation
  return [
    `${quote(method)}${target === undefined ? '' : ` on ${target.kind} ${quote(target.name)}`}`,
    `  ${verb} by ${printable(rule)}: ${needs}`,
    ...(oddity === undefined ? [] : [`  no pattern may match this name: ${oddity}`]),
    ...overruled.map(({ rule, reason }) => `  overruled: ${printable(rule)} (${printable(reason)})`)
  ]
}

function quote (name: string): string {
  return printable(JSON.stringify(name))
}

/** Returns scopes as text, also when there are none. */
export function listScopes (scopes: readonly string[]): string {
  return scopes.length === 0 ? '(none)' : scopes.map(printable).join(' ')
}
