import type { ServerConfig } from '../options/server.js'
import type { Proxies } from '../options/environment.js'
import { openFetch } from '../proxied-fetch.js'
import { createServices } from '../services.js'
import { createAccessTokenVerifier } from '../oauth/access-token.js'
import { AuthorizationServerUnavailable, InvalidToken } from '../oauth/failures.js'
import { explainDecision, formatExplanation } from '../policy/explain.js'
import { explainNeeds, formatNeeds } from '../policy/needs.js'
import type { Operation } from '../policy/policy.js'
import { printable } from '../policy/printable.js'
import { SILENT } from '../telemetry/logger.js'
import type { FlagsOf } from './command-line.js'
import {
  loadForCommand, reportConfigError, reportConfigErrorAsJson, type CommonFlags
} from './configuration.js'
import { EXIT, readSecret, UsageError, type Output } from './io.js'
import { printJson, type JsonDocument } from './json.js'

export type ExplainFlags = FlagsOf<'explain'>

/** The flags that name a target, and the method that acts on it. */
const TARGET_FLAGS = [
  { flag: 'tool', method: 'tools/call', kind: 'tools' },
  { flag: 'prompt', method: 'prompts/get', kind: 'prompts' },
  { flag: 'mcp-resource', method: 'resources/read', kind: 'resources' }
] as const

/**
 * Prints the decision about one operation, and the rule behind it; without scopes and token, which scopes the
 * operation needs. Returns 0 when it is allowed, or can be, else 1.
 */
export async function explain (flags: ExplainFlags, output: Output): Promise<number> {
  const { setup, tools } = splitFlags(flags)
  const operations = readOperations(flags, tools)
  if (flags.scopes !== undefined && flags.token !== undefined) {
    throw new UsageError('explain takes --scopes or --token, not both')
  }
  try {
    const { config, proxies = {} } = await loadForCommand(setup)
    const server = chooseServer(config.servers, flags.resource)
    const answer = await explainTo(flags, server, operations, proxies)
    if (flags.json === true) printJson(answer.document, output)
    else printAnswer(answer, output)
    return answer.isAllowed ? EXIT.ok : EXIT.failure
  } catch (error) {
    return flags.json === true ? reportConfigErrorAsJson(error, output) : reportConfigError(error, output)
  }
}

interface Answer {
  readonly isAllowed: boolean
  /** Whose token it is, for people. */
  readonly caller?: string
  /** For people; its first line is the outcome. */
  readonly text: string
  readonly document: JsonDocument
}

function printAnswer ({ isAllowed, caller, text }: Answer, output: Output): void {
  if (caller !== undefined) output.print(caller)
  const [outcome = '', ...lines] = text.trimEnd().split('\n')
  output.print([output.paint(isAllowed ? 'green' : 'red', outcome), ...lines].join('\n'))
}

async function explainTo (
  { scopes, token }: ExplainFlags, server: ServerConfig, operations: readonly Operation[], proxies: Proxies
): Promise<Answer> {
  const { resource, policy } = server
  if (token !== undefined) return explainToken(readSecret(token), server, operations, proxies)
  if (scopes !== undefined) return explainScopes(server, operations, new Set(splitWords(scopes)))
  const needs = explainNeeds(policy, operations)
  const isAllowed = needs.alternatives.length > 0
  const document = { version: 1, allowed: isAllowed, resource, ...needs } as const
  return { isAllowed, text: formatNeeds(needs), document }
}

function explainScopes (
  { resource, policy }: ServerConfig, operations: readonly Operation[], scopes: ReadonlySet<string>
): Answer {
  const explanation = explainDecision(policy, operations, scopes)
  const isAllowed = explanation.decision.effect === 'allow'
  const document = { version: 1, allowed: isAllowed, resource, ...explanation } as const
  return { isAllowed, text: formatExplanation(explanation), document }
}

/**
 * Tells the configuration from the operation. Where flags say what is protected, `--tool` with a `=` is a
 * rule, and `--resource` is part of the configuration.
 */
function splitFlags (
  { tool = [], resource, ...setup }: ExplainFlags
): { readonly setup: CommonFlags, readonly tools: readonly string[] } {
  if (setup.upstream === undefined && setup.issuer === undefined) return { setup, tools: tool }
  const rules = tool.filter((text) => text.includes('='))
  const tools = tool.filter((text) => !text.includes('='))
  return { setup: { ...setup, resource, tool: rules.length === 0 ? undefined : rules }, tools }
}

function readOperations (flags: ExplainFlags, tools: readonly string[]): Operation[] {
  const named: Operation[][] = TARGET_FLAGS.flatMap(({ flag, method, kind }) => {
    const value = flag === 'tool' ? tools : flags[flag]
    const names = typeof value === 'string' ? [value] : value ?? []
    return names.map((name) => [{ method }, { method, target: { kind, name } }])
  })
  if (flags.method !== undefined) named.push([{ method: flags.method }])
  const [operations, ...more] = named
  if (operations !== undefined && more.length === 0) return operations
  throw new UsageError('explain needs one of --tool, --prompt, --mcp-resource, --method')
}

function chooseServer (servers: readonly ServerConfig[], resource: string | undefined): ServerConfig {
  const chosen = resource === undefined ? servers : servers.filter((server) => server.resource === resource)
  const [server] = chosen
  if (server === undefined || chosen.length > 1) {
    const resources = servers.map((one) => one.resource).join(', ')
    throw new UsageError(`choose the protected resource with --resource: ${resources}`)
  }
  return server
}

function splitWords (text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** Verifies a token as the gateway does, and says whom it speaks for; the token itself is never printed. */
async function explainToken (
  token: string, server: ServerConfig, operations: readonly Operation[], proxies: Proxies
): Promise<Answer> {
  const services = createServices({ logger: SILENT, sessionKey: '', fetch: await openFetch(proxies) })
  const verifier = createAccessTokenVerifier({
    server,
    trusted: server.authorizationServers.map((one) => ({
      config: one, authorizationServer: services.authorizationServer(one)
    })),
    now: services.clock.now
  })
  try {
    const { issuer, subject, clientId, scopes } = await verifier.verify(token)
    const answer = explainScopes(server, operations, scopes)
    const caller = printable(`token of ${subject} (client ${clientId ?? 'unknown'}), issued by ${issuer}`)
    const principal = { issuer, subject, ...(clientId === undefined ? {} : { clientId }) }
    return { ...answer, caller, document: { ...answer.document, principal } }
  } catch (error) {
    const reason = describeFailure(error)
    const document = { version: 1, allowed: false, resource: server.resource, tokenProblem: reason } as const
    return { isAllowed: false, text: printable(reason), document }
  }
}

/** Returns why a token is not accepted, or cannot be verified. Rethrows other errors. */
function describeFailure (error: unknown): string {
  if (error instanceof InvalidToken) return `the token is not accepted: ${error.reason}`
  if (error instanceof AuthorizationServerUnavailable) return `the token cannot be checked: ${error.message}`
  throw error
}
