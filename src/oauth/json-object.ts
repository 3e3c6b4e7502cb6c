/** A parsed JSON object. Its members may have any name, also `constructor`: ask with Object.hasOwn. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Tells whether a parsed JSON value is an object: neither null nor an array. */
export function isJsonObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As in messages (M4). JSON.parse reads any depth, but JSON.stringify overflows the stack. */
const MAX_DEPTH = 64

/**
 * Returns the JSON object that the bytes hold, undefined when they are anything else, not UTF-8, or nested
 * deeper than 64 levels. So whatever is quoted from it can be written as JSON again.
 */
export function parseJsonObject (bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && !isDeep(text) ? value : undefined
  } catch {
    return undefined
  }
}

/** Tells whether JSON text that has been parsed is nested deeper than MAX_DEPTH. */
function isDeep (json: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (inString) {
      if (character === '\\') i++
      else if (character === '"') inString = false
    } else if (character === '"') {
      inString = true
    } else if (character === '{' || character === '[') {
      if (++depth > MAX_DEPTH) return true
    } else if (character === '}' || character === ']') {
      depth--
    }
  }
  return false
}
