/**
 * Returns the text with control, format and unassigned characters, lone surrogates and line separators spelled out as
 * `\u{…}`: names may hold anything, and a terminal must not obey them.
 */
export function printable (text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)
}

/** Returns rows as left-aligned columns, two spaces apart; every line ends in a newline. Cells are made printable. */
export function formatColumns (rows: ReadonlyArray<readonly string[]>): string {
  const cells = rows.map((row) => row.map(printable))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => countCharacters(row[column] ?? ''))))
  return cells.map((row) => `${row.map((cell, column) => pad(cell, widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('')
}

function pad (cell: string, width: number): string {
  return cell + ' '.repeat(width - countCharacters(cell))
}

function countCharacters (text: string): number {
  return [...text].length
}
