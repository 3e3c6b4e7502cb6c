import type { RuleMap } from '../options/policy.js'
import { isScopeToken } from '../options/scope-token.js'
import { resultOf, type Problem, type Result } from './problem.js'

const HOW = 'write it as name=scope, for example \'list_*=todo:read\''

/**
 * Reads rules for tools as a command line has them: `list_*=todo:read`, and with several scopes, all of which
 * are needed, `delete_todo=todo:write todo:admin`. The first `=` counts: scopes may have some. No rule can be
 * written that asks for no scope.
 */
export function readToolRules (texts: readonly string[], place = '--tool'): Result<RuleMap> {
  const rules = new Map<string, readonly string[]>()
  const problems: Problem[] = []
  for (const text of texts) {
    const { name, scopes } = splitRule(text)
    const message = findFault(name, scopes, rules)
    if (message === undefined) rules.set(name, scopes)
    else problems.push({ place: `${place} ${JSON.stringify(text)}`, message })
  }
  return resultOf(Object.fromEntries(rules), problems)
}

function splitRule (text: string): { readonly name: string, readonly scopes: readonly string[] } {
  const at = text.indexOf('=')
  if (at === -1) return { name: text, scopes: [] }
  return { name: text.slice(0, at), scopes: text.slice(at + 1).split(' ').filter((scope) => scope !== '') }
}

function findFault (
  name: string, scopes: readonly string[], earlier: ReadonlyMap<string, unknown>
): string | undefined {
  if (name === '') return `it names no tool; ${HOW}`
  if (scopes.length === 0) return `it names no scope; ${HOW}`
  const wrong = scopes.find((scope) => !isScopeToken(scope))
  if (wrong !== undefined) return `${JSON.stringify(wrong)} is not a scope (RFC 6749 §3.3)`
  return earlier.has(name) ? 'there is another rule for this name; write all its scopes into one' : undefined
}
