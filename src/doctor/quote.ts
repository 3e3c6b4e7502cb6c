const LONGEST = 160

/**
 * Returns a foreign value for the report: as JSON text, shortened, in printable ASCII only. So nothing
 * in it can move a terminal's cursor or look like another character.
 */
export function quote (value: unknown): string {
  const text = toAscii(JSON.stringify(value) ?? 'nothing')
  return text.length <= LONGEST ? text : text.slice(0, LONGEST) + '...'
}

/** Returns the same JSON in printable ASCII and newlines. */
export function toAscii (json: string): string {
  return json.replace(/[^\n\x20-\x7e]/g, escape)
}

function escape (character: string): string {
  return '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0')
}
