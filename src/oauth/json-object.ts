/** A parsed JSON object. Its members may have any name, also `constructor`: ask with Object.hasOwn. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Tells whether a parsed JSON value is an object: neither null nor an array. */
export function isJsonObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the JSON object that the bytes hold, undefined when they are anything else or not UTF-8. */
export function parseJsonObject (bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
