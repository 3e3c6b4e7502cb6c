/** The key of the rule for responses in `policy.methods`. No method of a client is ever looked up with it. */
export const RESPONSES = '(responses)'

/**
 * The methods that any accepted token may use unless a `methods` rule says otherwise (P1). For those with a
 * target, the target's rule decides as well. `notifications/*` and responses are allowed, too; all other
 * methods are denied.
 */
export const DEFAULT_METHODS = [
  'initialize',
  'ping',
  'server/discover',
  'logging/setLevel',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'tools/call',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/get',
  'completion/complete',
  'subscriptions/listen'
] as const

export const DEFAULT_METHOD_PATTERN = 'notifications/*'
