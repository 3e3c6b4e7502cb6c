/** A parsed JSON object. What somebody else sent may have any name in it, `constructor` too: ask with Object.hasOwn. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Tells whether a parsed JSON value is an object: neither null nor an array. */
export function isJsonObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the JSON object that the bytes hold, undefined when they hold anything else or are not UTF-8. */
export function parseJsonObject (bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
