const MAX_LENGTH = 120

/** Returns a value that somebody else sent, for a log line: as JSON text, shortened. */
export function describeValue (value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= MAX_LENGTH ? text : text.slice(0, MAX_LENGTH) + '…'
}

/** Returns a URL for a log line: without user name, password and query, which may be secret. */
export function describeUrl (url: string): string {
  if (!URL.canParse(url)) return describeValue(url)
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
