/** The key of an operator's rule for responses in `policy.methods`; no client-chosen method is looked up under it. */
export const RESPONSES = '(responses)'

/**
 * The methods that any accepted token may use unless a `methods` rule says otherwise (P1). Those with a target are
 * decided by the target's rule as well. `notifications/*` and responses belong to the list; everything else is denied.
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
