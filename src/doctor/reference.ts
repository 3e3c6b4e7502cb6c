import { GROUPS } from './groups.js'

export const CHECKS_MARKS = ['<!-- checks: written by `node dist/doctor/generate.js` -->', '<!-- /checks -->'] as const

/** Returns the documentation page with the table of all checks between its marks written anew. Throws Error when a mark is missing. */
export function renderPage (page: string): string {
  const [open, close] = CHECKS_MARKS
  const start = page.indexOf(open)
  const end = page.indexOf(close)
  if (start === -1 || end < start) throw new Error(`the page has no place for a table: ${open} … ${close}`)
  return `${page.slice(0, start + open.length)}\n\n${GROUPS.map(renderGroup).join('\n\n')}\n\n${page.slice(end)}`
}

function renderGroup ({ title, checks }: typeof GROUPS[number]): string {
  const rows = checks.map(({ id, severity, title, clause }) => `| \`${id}\` | ${severity} | ${title} | ${clause} |`)
  return [`### ${title}`, '', '| check | | holds when | clause |', '|---|---|---|---|', ...rows].join('\n')
}
