/**
 * Why there is no answer, or none that may be passed on (F7). `reason` is for the log: it may hold inner
 * addresses.
 */
export interface UpstreamFailure {
  readonly kind: 'unreachable' | 'timeout' | 'broken' | 'redirect' | 'refused' | 'unreadable'
  readonly reason: string
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT', 'ENOENT'
])

/** Codes of certificates that the gateway does not accept, so that it did not connect. */
const NOT_TRUSTED = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/

/** Tells the ways of getting no answer apart (F7). `error` is undici's. */
export function classifyFailure (error: unknown): UpstreamFailure {
  const { code = '', message, cause } = error as { code?: string, message?: string, cause?: unknown }
  const reason = [code, message, cause instanceof Error ? cause.message : undefined].filter(Boolean).join(': ')
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout', reason }
  if (NOT_CONNECTED.has(code) || NOT_TRUSTED.test(code)) return { kind: 'unreachable', reason }
  return { kind: 'broken', reason }
}
