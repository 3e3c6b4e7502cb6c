/**
 * Returns the text with control, format and unassigned characters, lone surrogates and line separators
 * written as `\u{…}`: a name may hold anything, and a terminal must not obey it.
 */
export function printable (text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const codePoint = character.codePointAt(0) as number
    return `\\u{${codePoint.toString(16)}}`
  })
}

/** Returns rows as left-aligned columns, two spaces apart, made printable. Every line ends in a newline. */
export function formatColumns (rows: ReadonlyArray<readonly string[]>): string {
  const cells = rows.map((row) => row.map(printable))
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => countCharacters(row[column] ?? ''))))
  const lines = cells.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0)).join('  '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

function pad (cell: string, width: number): string {
  return cell + ' '.repeat(width - countCharacters(cell))
}

function countCharacters (text: string): number {
  return [...text].length
}
