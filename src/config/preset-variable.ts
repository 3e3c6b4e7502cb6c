import type { Environment, VariableName } from './environment.js'
import { findUrlFault } from './http-url.js'
import { isJsonObject, parseJsonText } from './json-text.js'
import type { Problem } from './problem.js'

export const DOCUMENT = 'PROTECTED_RESOURCE_METADATA'

/** What a variable says; `value` is absent when it is missing or wrong, and then there is a problem. */
export interface Read<T> {
  readonly value?: T
  readonly problems: readonly Problem[]
}

/** Returns the problem of a variable that a set-up cannot do without. */
export function missing (name: VariableName, what: string): Problem {
  return { place: name, message: `is not set: ${what}` }
}

/** Returns an http(s) URL without query and fragment. */
export function readUrl (env: Environment, name: 'SCALEKIT_ENVIRONMENT_URL' | 'SK_ENV_URL' | 'MCP_URL', what: string): Read<string> {
  const value = env[name]
  if (value === undefined) return { problems: [missing(name, what)] }
  const fault = findUrlFault(value, { query: 'refused' })
  return fault === undefined ? { value, problems: [] } : { problems: [{ place: name, message: fault }] }
}

/** Returns the id of the MCP server, which becomes part of an issuer. */
export function readResourceId (env: Environment): Read<string> {
  const place = 'SCALEKIT_RESOURCE_ID'
  const value = env[place]
  const what = 'the id of the MCP server in the Scalekit dashboard, which starts with res_'
  if (value === undefined) return { problems: [missing(place, what)] }
  return /^res_[\w.~-]+$/.test(value) ? { value, problems: [] } : { problems: [{ place, message: `must be ${what}` }] }
}

/** Returns the protected resource metadata document as the dashboard shows it. */
export function readDocument (env: Environment): Read<Record<string, unknown>> {
  const text = env[DOCUMENT]
  const what = 'the metadata document in the Scalekit dashboard, JSON on one line between single quotes'
  if (text === undefined) return { problems: [missing(DOCUMENT, what)] }
  return readJsonObject(DOCUMENT, text, what)
}

/** Returns the issuers that the document names, each once and verbatim; none when it names none. */
export function readAdvertised (document: Readonly<Record<string, unknown>> | undefined): Read<string[]> & { value: string[] } {
  const advertised = document?.authorization_servers
  if (advertised === undefined) return { value: [], problems: [] }
  if (Array.isArray(advertised) && advertised.length > 0 && advertised.every((issuer) => typeof issuer === 'string')) {
    return { value: [...new Set(advertised)], problems: [] }
  }
  return { value: [], problems: [{ place: `${DOCUMENT}.authorization_servers`, message: 'must be a non-empty array of URLs' }] }
}

/** Returns the policy of TOOL_SCOPES. Set but blank is refused: it would silently allow everything. */
export function readToolScopes (env: Environment): Read<Record<string, unknown>> {
  const place = 'TOOL_SCOPES'
  const text = env[place]
  if (text === undefined) return { value: { unlisted: 'allow' }, problems: [] }
  const { value, problems } = readJsonObject(place, text, 'a JSON object like {"list_todos": "todo:read"}; without the variable every tool is allowed')
  return value === undefined ? { problems } : { value: { tools: value }, problems }
}

function readJsonObject (name: VariableName, text: string, what: string): Read<Record<string, unknown>> {
  const parsed = parseJsonText(Buffer.from(text))
  if (!parsed.ok) return { problems: [{ place: name, message: `at ${parsed.line}:${parsed.column} ${parsed.message} (expected is ${what})` }] }
  return isJsonObject(parsed.value) ? { value: parsed.value, problems: [] } : { problems: [{ place: name, message: `must be ${what}` }] }
}
