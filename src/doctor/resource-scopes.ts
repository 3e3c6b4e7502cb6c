import type { Context } from './context.js'
import { bearerChallenge } from './www-authenticate.js'

/** One scope value (RFC 6749 §3.3). */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** The scopes that a protected resource names; a list is empty where it names none. */
export interface ResourceScopes {
  /** `scope` of the challenge. */
  readonly challenged: readonly string[]
  /** `scopes_supported` of its metadata. */
  readonly published: readonly string[]
}

/** Tells whether a value is one scope. */
export function isScope (value: unknown): value is string {
  return typeof value === 'string' && SCOPE.test(value)
}

/** Returns the scopes in a `scope` member or parameter (RFC 6749 §3.3), each once. */
export function splitScope (scope: string): readonly string[] {
  return [...new Set(scope.split(' ').filter(isScope))]
}

/** Returns the scopes that a resource names in its challenge and in its metadata. */
export async function findResourceScopes (resource: Context): Promise<ResourceScopes> {
  const scope = bearerChallenge(await resource.bare())?.parameters.get('scope')
  const published = (await resource.metadata()).used?.document['scopes_supported']
  return {
    challenged: splitScope(scope ?? ''),
    published: Array.isArray(published) ? [...new Set(published.filter(isScope))] : []
  }
}

/**
 * Returns the scopes that clients ask for at first, and register with: those of the challenge, else those of
 * the metadata (MCP basic/authorization, Scope Selection Strategy).
 */
export function firstScopes ({ challenged, published }: ResourceScopes): readonly string[] {
  return challenged.length > 0 ? challenged : published
}
