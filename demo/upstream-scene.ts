import type { Call } from './curl.js'
import { DemoFailure } from './failure.js'
import type { MissingScopes, Scene, Trial } from './scene.js'
import type { Tool, Upstream } from './upstream.js'

/**
 * Returns the scene with somebody's MCP server. Without rules, a tool that says that it only reads needs
 * `mcp:read`, every other tool `mcp:write`, also one that the server gets later.
 */
export function showUpstream (upstream: Upstream, rules?: Readonly<Record<string, unknown>>): Scene {
  const { url, tools } = upstream
  const common = { upstream: url, title: url }
  if (rules !== undefined) {
    return { ...common, policy: { tools: rules }, chooseTrial: (missing) => chooseTrial(upstream, missing) }
  }
  const readers = tools.filter((tool) => isPlain(tool) && onlyReads(tool))
  return {
    ...common,
    policy: {
      tools: { ...Object.fromEntries(readers.map(({ name }) => [name, 'mcp:read'])), '*': 'mcp:write' },
      prompts: { '*': 'mcp:read' },
      resources: { '**': 'mcp:read' },
      implies: { 'mcp:write': ['mcp:read'] }
    },
    note: `Tools that say they only read (${readers.length} of ${tools.length}) need mcp:read, all others ` +
      'mcp:write. Choose others with --tool \'name=scope\'.',
    chooseTrial: (missing) => chooseTrial(upstream, missing)
  }
}

/** A name that no shell, header or pattern reads as something else. */
function isPlain ({ name }: Tool): boolean {
  return /^\w[\w./-]*$/.test(name)
}

function onlyReads ({ annotations }: Tool): boolean {
  return annotations?.readOnlyHint === true
}

/** The guide is copied line by line: it calls the tools with which the least can happen. */
function chooseTrial ({ url, dialect, tools }: Upstream, missing: MissingScopes): Trial {
  const callable = tools.filter((tool) => isPlain(tool) && missing(tool.name, []) !== undefined)
  callable.sort((one, other) => rankRisk(one) - rankRisk(other))
  const [first] = callable
  if (first === undefined) {
    if (tools.length === 0) return { dialect, scopes: [] }
    const names = tools.slice(0, 10).map(({ name }) => JSON.stringify(name)).join(', ')
    const more = tools.length > 10 ? ' and others' : ''
    throw new DemoFailure(`no --tool names a tool of ${url}: it has ${names}${more}`)
  }
  const scopes = missing(first.name, []) ?? []
  const allowed = onlyReads(first) ? { allowed: toCall(first) } : {}
  const second = callable.find(({ name }) => needsMore(missing(name, scopes)))
  if (second !== undefined) return { dialect, scopes, ...allowed, stepUp: stepUpTo(second, scopes, missing) }
  // One scope is enough for all tools: the first token has none.
  return { dialect, scopes: [], stepUp: stepUpTo(first, [], missing) }
}

function needsMore (missing: readonly string[] | undefined): boolean {
  return missing !== undefined && missing.length > 0
}

function stepUpTo (
  tool: Tool, scopes: readonly string[], missing: MissingScopes
): NonNullable<Trial['stepUp']> {
  return { call: toCall(tool), scopes: [...new Set([...scopes, ...missing(tool.name, scopes) ?? []])] }
}

/** Without the arguments that it asks for, a tool does nothing. */
function rankRisk (tool: Tool): number {
  const asks = (tool.inputSchema?.required?.length ?? 0) > 0
  if (onlyReads(tool)) return asks ? 1 : 0
  if (tool.annotations?.destructiveHint === false) return 2
  return asks ? 3 : 4
}

/** A tool that only reads gets something for each argument that it asks for; others get nothing to act on. */
function toCall (tool: Tool): Call {
  const { required = [], properties = {} } = tool.inputSchema ?? {}
  if (!onlyReads(tool) || required.length === 0) return { tool: tool.name, arguments: {} }
  const samples = required.map((name) => [name, SAMPLES.get(properties[name]?.type) ?? 'test'])
  return { tool: tool.name, arguments: Object.fromEntries(samples) as object }
}

const SAMPLES: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
  ['number', 1], ['integer', 1], ['boolean', false], ['array', []], ['object', {}]
])
