import type { Call, Dialect } from './curl.js'

/** What the gateway protects in the demo. */
export interface Scene {
  /** The URL of the MCP server. */
  readonly upstream: string
  readonly title: string
  /** As in the configuration file. */
  readonly policy: object
  /** What there is to know about the policy. */
  readonly note?: string
  /** Chooses what the guide shows. */
  chooseTrial (missing: MissingScopes): Trial
}

/**
 * Returns the scopes that a call of a tool needs in place of these: none when these suffice, undefined when
 * no scope helps.
 */
export type MissingScopes = (tool: string, scopes: readonly string[]) => readonly string[] | undefined

export interface Trial {
  readonly dialect: Dialect
  /** Those of the first token. */
  readonly scopes: readonly string[]
  /** A call that the first token may make; without one the guide lists the tools. */
  readonly allowed?: Call
  /** A call that needs more, and the scopes that suffice for it. */
  readonly stepUp?: { readonly call: Call, readonly scopes: readonly string[] }
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
    chooseTrial: () => ({
      dialect: 'plain',
      scopes: ['todo:read'],
      allowed: { tool: 'list_todos' },
      stepUp: {
        call: { tool: 'create_todo', arguments: { title: 'Buy milk' } }, scopes: ['todo:write', 'todo:read']
      }
    })
  }
}
