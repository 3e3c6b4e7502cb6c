/**
 * Tells whether a header occurs more than once; `name` is in lower case. node keeps the first
 * `Host` and the first `Content-Type` and drops the others silently, while whoever else reads the
 * request may go by the last one.
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
