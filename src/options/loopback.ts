/**
 * Returns whether a host name or address can only mean this machine: `localhost`, every name under it (RFC
 * 6761 §6.3), 127.0.0.0/8 and ::1. Letter case and brackets around IPv6 do not matter.
 */
export function isLoopback (host: string): boolean {
  const name = bareHost(host)
  return /^([\w-]+\.)*localhost$/.test(name) || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

/** Returns a host in lower case, an IPv6 address without its brackets. */
export function bareHost (host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
