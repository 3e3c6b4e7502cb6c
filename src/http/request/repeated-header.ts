/**
 * Returns whether a header occurs more than once. `name` is in lower case. Node silently keeps only the first
 * `Host` and the first `Content-Type`. Other readers of the same request may use the last one.
 */
export function isRepeated (rawHeaders: readonly string[], name: string): boolean {
  let isThere = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const other = rawHeaders[index] as string
    if (other.length !== name.length || other.toLowerCase() !== name) continue
    if (isThere) return true
    isThere = true
  }
  return false
}
