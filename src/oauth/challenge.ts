import { isScopeToken } from '../options/scope-token.js'

/** What one Bearer challenge says (RFC 6750 §3, RFC 9728 §5.1). */
export interface Challenge {
  /** Absolute URL of the protected resource metadata. */
  readonly resourceMetadata: string
  /** Scope values separated by spaces. */
  readonly scope?: string
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  readonly errorDescription?: string
}

/**
 * Returns the value of `WWW-Authenticate` for one challenge, with its attributes in the order of behaviour A8
 * and P7. Whatever the values are, the result is printable ASCII and exactly one challenge.
 */
export function formatChallenge ({ resourceMetadata, scope, error, errorDescription }: Challenge): string {
  const scopeValue = scope === undefined ? '' : restrictToScopes(scope)
  const metadataAttribute = `resource_metadata="${quote(resourceMetadata)}"`
  const scopeAttributes = scopeValue === '' ? [] : [`scope="${scopeValue}"`]
  if (error === undefined) return 'Bearer ' + [metadataAttribute, ...scopeAttributes].join(', ')
  return 'Bearer ' + [
    `error="${restrict(error)}"`,
    ...scopeAttributes,
    metadataAttribute,
    ...(errorDescription === undefined ? [] : [`error_description="${restrict(errorDescription)}"`])
  ].join(', ')
}

/** Escapes for a quoted-string (RFC 9110 §5.6.4). */
function quote (value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
}

/** RFC 6750 §3 allows no quote and no backslash in these values, not even escaped. */
function restrict (value: string): string {
  return value.replace(/"/g, "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, '?')
}

/** A scope that RFC 6749 §3.3 cannot express is left out: changed, it would be another scope. */
function restrictToScopes (scope: string): string {
  return scope.split(' ').filter(isScopeToken).join(' ')
}
