import { GROUPS } from '../src/doctor/groups.js'
import { replaceBetween } from './page.js'

export const CHECKS_MARKS = ['<!-- checks: written by `npm run generate` -->', '<!-- /checks -->'] as const

/** Returns `docs/doctor.md` with new tables. Throws Error when the page has no place for them. */
export function renderDoctor (page: string): string {
  return replaceBetween(page, CHECKS_MARKS, GROUPS.map(renderGroup).join('\n\n'))
}

function renderGroup ({ title, checks }: typeof GROUPS[number]): string {
  const rows = checks.map(({ id, severity, title, clause }) => {
    return `| \`${id}\` | ${severity} | ${title} | ${clause} |`
  })
  return [`### ${title}`, '', '| check | | holds when | clause |', '|---|---|---|---|', ...rows].join('\n')
}
