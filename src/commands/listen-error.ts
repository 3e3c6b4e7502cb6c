const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is not a host that can be resolved',
  EAI_AGAIN: 'is not a host that can be resolved now'
}

/** Returns in a sentence why a listener could not be opened, or undefined for an error that is none of a listener's. */
export function describeListenError (error: unknown): string | undefined {
  const { syscall, code = '', address, hostname, port } = error as { syscall?: string, code?: string, address?: string, hostname?: string, port?: number }
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined
  const where = address?.includes(':') === true ? `[${address}]` : address ?? hostname
  return `${where}${port === undefined ? '' : `:${port}`} ${REASONS[code] ?? `cannot be listened on (${code})`}. Choose another with --host and --port, HOST and PORT, or "admin" in the configuration`
}
