import { METRICS } from '../src/telemetry/metric-table.js'
import { replaceBetween } from './page.js'

export const METRICS_MARKS = ['<!-- metrics: written by `npm run generate` -->', '<!-- /metrics -->'] as const

/**
 * Returns `docs/operations.md` with its table of metrics written anew. Throws Error when the page has no
 * place for it.
 */
export function renderOperations (page: string): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => {
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`
  })
  return replaceBetween(
    page, METRICS_MARKS, ['| metric | type | labels | |', '|---|---|---|---|', ...rows].join('\n')
  )
}
