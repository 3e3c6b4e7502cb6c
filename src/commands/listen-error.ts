const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken',
  EACCES: 'is not allowed for this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a host that can be resolved',
  EAI_AGAIN: 'is not a host that can be resolved now'
}

const ADVICE = 'Choose another with --host and --port, HOST and PORT, or "admin" in the configuration'

interface ListenError {
  readonly syscall?: string
  readonly code?: string
  readonly address?: string
  readonly hostname?: string
  readonly port?: number
}

/** Returns why a listener could not be opened, and what to do. Undefined for every other error. */
export function describeListenError (error: unknown): string | undefined {
  const { syscall, code = '', address, hostname, port } = error as ListenError
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined
  const host = address?.includes(':') === true ? `[${address}]` : address ?? hostname
  const listener = port === undefined ? host : `${host}:${port}`
  return `${listener} ${REASONS[code] ?? `cannot be used (${code})`}. ${ADVICE}`
}
