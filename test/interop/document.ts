import type { Outcome, Row } from './outcome.js'

/** Returns the rows as lines of aligned columns. */
export function formatTable (rows: readonly Row[]): string {
  const clients = rows[0]?.cells.map(({ client }) => client) ?? []
  const lines = [['', ...clients], ...rows.map(({ upstream, cells }) => [upstream, ...cells.map(({ outcome }) => word(outcome))])]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

function word ({ kind }: Outcome): string {
  return { ok: 'ok', impossible: '–', missing: 'missing', failed: 'FAILED' }[kind]
}
