import { isScopeToken } from '../options/scope-token.js'

/** A rule as alternatives: all scopes of one must be held. No alternative: nobody. An empty one: anybody. */
export type Alternatives = ReadonlyArray<readonly string[]>

/** Either what the rule says, or what is wrong with it. */
export type ReadRule = { readonly alternatives: Alternatives } | { readonly problem: string }

/**
 * Reads a rule (P2). An empty list is a problem: as a rule it would be a condition that everybody meets. The
 * parameter is `unknown` so that a rule that the schema did not check is refused instead of widened.
 */
export function readRule (rule: unknown): ReadRule {
  if (rule === true) return { alternatives: [[]] }
  if (rule === false) return { alternatives: [] }
  if (typeof rule === 'string' || Array.isArray(rule)) return collect([rule])
  if (typeof rule !== 'object' || rule === null) return { problem: NOT_A_RULE }
  const [key, ...more] = Object.keys(rule)
  const members: unknown = key === undefined ? undefined : (rule as Readonly<Record<string, unknown>>)[key]
  if (more.length > 0 || !Array.isArray(members)) return { problem: NOT_A_RULE }
  if (key === 'allOf') return collect([members])
  if (key !== 'anyOf') return { problem: NOT_A_RULE }
  return members.length === 0 ? { problem: EMPTY_ANY_OF } : collect(members)
}

const NOT_A_RULE =
  'a rule is a scope, a list of scopes, { "anyOf": [...] }, { "allOf": [...] }, true or false'
const EMPTY_ANY_OF = 'an empty anyOf is not a rule; write false for "nobody"'
const EMPTY_LIST = 'an empty list of scopes is not a rule; write true for "any accepted token"'

/** Returns what is wrong with a scope, or undefined. */
export function findScopeProblem (scope: unknown): string | undefined {
  if (typeof scope !== 'string') return 'a scope is a string'
  if (scope === '') return 'a scope must not be empty'
  if (isScopeToken(scope)) return undefined
  const hint = scope.includes(' ') ? '; several scopes are a list: ["a", "b"]' : ''
  return `${JSON.stringify(scope)} holds characters that a scope cannot hold (RFC 6749 section 3.3)${hint}`
}

/** Returns a rule in words: `a`, `a + b`, `a or b + c`, `any accepted token`, `nobody`. */
export function describeAlternatives (alternatives: Alternatives): string {
  if (alternatives.length === 0) return 'nobody'
  return alternatives
    .map((scopes) => scopes.length === 0 ? 'any accepted token' : scopes.join(' + '))
    .join(' or ')
}

function collect (members: readonly unknown[]): ReadRule {
  const alternatives: string[][] = []
  for (const member of members) {
    const scopes: readonly unknown[] = Array.isArray(member) ? member : [member]
    if (scopes.length === 0) return { problem: EMPTY_LIST }
    for (const scope of scopes) {
      const problem = findScopeProblem(scope)
      if (problem !== undefined) return { problem }
    }
    alternatives.push([...new Set(scopes as readonly string[])])
  }
  return { alternatives }
}
