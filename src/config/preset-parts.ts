import type { Environment, VariableName } from '../options/environment.js'
import { isJsonObject, parseJsonText } from './json-text.js'
import { resultOf, type Problem, type Result } from './problem.js'

/** A configuration made of environment variables. Parts whose variables are wrong are left out. */
export interface Preset extends Result<Readonly<Record<string, unknown>>> {
  readonly name: string
  /** Place in the configuration → variable that its value comes from. */
  readonly variables: Readonly<Record<string, string>>
}

/** The policy of every set-up comes from TOOL_SCOPES, also when it is not set. */
export const POLICY_VARIABLES = { 'policy.tools': 'TOOL_SCOPES', 'policy.unlisted': 'TOOL_SCOPES (not set)' }

/** Returns the part of the configuration that says where the upstream is. */
export function upstreamOf ({ UPSTREAM_URL: upstream }: Environment): object {
  return upstream === undefined ? {} : { upstream }
}

/** Returns the part of the configuration that says who may do what. */
export function policyOf (policy: object | undefined): object {
  return policy === undefined ? {} : { policy }
}

/** The value of a variable; undefined, with a problem, when it is missing or wrong. */
export type Read<Value> = Result<Value | undefined>

/** Returns the problem of a variable that a set-up cannot do without. */
export function missing (name: VariableName, what: string): Problem {
  return { place: name, message: `is not set: ${what}` }
}

/** Returns the policy of TOOL_SCOPES. A blank one is a problem: it would silently allow every tool. */
export function readToolScopes (env: Environment): Read<Record<string, unknown>> {
  const place = 'TOOL_SCOPES'
  const text = env[place]
  if (text === undefined) return resultOf({ unlisted: 'allow' })
  const what = 'a JSON object like {"list_todos": "todo:read"}; without the variable every tool is allowed'
  const { value: tools, problems } = readJsonObject(place, text, what)
  return tools === undefined ? resultOf(tools, problems) : resultOf({ tools })
}

/** Returns the JSON object that a variable holds. */
export function readJsonObject (
  name: VariableName, text: string, what: string
): Read<Record<string, unknown>> {
  const parsed = parseJsonText(Buffer.from(text))
  const fault = (message: string): Read<never> => resultOf(undefined, [{ place: name, message }])
  if (!parsed.ok) return fault(`at ${parsed.line}:${parsed.column} ${parsed.message} (expected ${what})`)
  return isJsonObject(parsed.value) ? resultOf(parsed.value) : fault(`must be ${what}`)
}
