/**
 * Why there is no response, or none that may be passed on (F7). `reason` is for the log only, because it may
 * hold inner addresses.
 */
export interface UpstreamFailure {
  readonly kind: 'unreachable' | 'timeout' | 'broken' | 'redirect' | 'refused' | 'unreadable'
  readonly reason: string
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT', 'ENOENT'
])

/** Error codes of certificates that the gateway does not accept. It does not connect then. */
const NOT_TRUSTED = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/

/** Returns which failure an error of undici is (F7). */
export function classifyFailure (error: unknown): UpstreamFailure {
  const { code = '', message, cause } = error as { code?: string, message?: string, cause?: unknown }
  const deeper = cause instanceof Error ? cause.message : undefined
  const reason = [code, message, deeper].filter(Boolean).join(': ')
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout', reason }
  if (NOT_CONNECTED.has(code) || NOT_TRUSTED.test(code)) return { kind: 'unreachable', reason }
  return { kind: 'broken', reason }
}
