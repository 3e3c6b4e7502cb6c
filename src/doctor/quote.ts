const LONGEST = 160

/**
 * Returns a value of somebody else's for the report: as JSON text, shortened, in printable ASCII alone,
 * so that nothing in it can move a terminal's cursor or pass for another character.
 */
export function quote (value: unknown): string {
  const text = (JSON.stringify(value) ?? 'nothing').replace(/[^\x20-\x7e]/g, (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'))
  return text.length <= LONGEST ? text : text.slice(0, LONGEST) + '...'
}
