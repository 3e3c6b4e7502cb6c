import type { Operation } from '../policy/policy.js'

/** The methods of all revisions, of which a client or a server is a sender. */
const METHODS: ReadonlySet<string> = new Set([
  'initialize', 'ping', 'server/discover', 'logging/setLevel', 'completion/complete',
  'tools/list', 'tools/call', 'prompts/list', 'prompts/get',
  'resources/list', 'resources/templates/list', 'resources/read', 'resources/subscribe',
  'resources/unsubscribe', 'subscriptions/listen',
  'tasks/get', 'tasks/list', 'tasks/result', 'tasks/update', 'tasks/cancel'
])

/**
 * Returns a name for what a message asks for, out of a fixed set: its method, `notification`, `response`,
 * `other` for a method of no revision, or `none` when there is no message. A client cannot make it another.
 */
export function knownMethod (operations: readonly Operation[] | null): string {
  const [first] = operations ?? []
  if (first === undefined) return 'none'
  if (first.response === true) return 'response'
  if (METHODS.has(first.method)) return first.method
  return first.method.startsWith('notifications/') ? 'notification' : 'other'
}
