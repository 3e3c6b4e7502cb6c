import type { Call, Dialect } from './curl.js'

/** What the gateway protects in the demo, and what the guide shows of it. */
export interface Scene {
  /** The URL of the MCP server. */
  readonly upstream: string
  readonly title: string
  /** As in the configuration file. */
  readonly policy: object
  readonly dialect: Dialect
  /** Those of the first token. */
  readonly scopes: readonly string[]
  /** A call that the first token may make; without one the guide lists the tools. */
  readonly allowed?: Call | undefined
  /** A call that needs more, and the scopes that suffice for it. */
  readonly stepUp?: { readonly call: Call, readonly scopes: readonly string[] } | undefined
}

/** Returns the scene with the demo's todo server. */
export function showTodos (upstream: string): Scene {
  return {
    upstream,
    title: 'todos',
    policy: {
      tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' },
      // Some clients ask only for the challenge's scopes: after the step-up they must still see the lists.
      implies: { 'todo:write': ['todo:read'] }
    },
    dialect: 'plain',
    scopes: ['todo:read'],
    allowed: { tool: 'list_todos' },
    stepUp: {
      call: { tool: 'create_todo', arguments: { title: 'Buy milk' } }, scopes: ['todo:write', 'todo:read']
    }
  }
}
