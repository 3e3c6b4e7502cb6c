import type { Result } from './check.js'
import { GROUPS } from './groups.js'
import type { Finding } from './examine.js'
import { IS_ISSUER } from './issuer.js'
import { quote, toAscii } from './quote.js'
import { listUnseen } from './unseen.js'

const MARKS: Readonly<Record<Result, string>> = { pass: '✓', fail: '✗', warn: '!', skip: '–' }

/** This many findings or more that are skipped for one reason share one line. */
const MANY = 3

/** How many findings there are of each result. */
export type Summary = Readonly<Record<Result, number>>

/** Returns how many findings there are of each result. */
export function summarise (findings: readonly Finding[]): Summary {
  const count = (wanted: Result): number => findings.filter(({ result }) => result === wanted).length
  return { pass: count('pass'), fail: count('fail'), warn: count('warn'), skip: count('skip') }
}

/**
 * Returns the findings as one JSON document for programs, in ASCII: servers chose parts of it, and a
 * terminal may show it. Members are added, never renamed or
 * removed, while `version` stays the same.
 */
export function formatJson (url: string, findings: readonly Finding[]): string {
  const summary = summarise(findings)
  const unseen = listUnseen(findings)
  const report = { version: 1, url, ok: summary.fail === 0, summary, findings, unseen }
  return toAscii(JSON.stringify(report, null, 2))
}

/** Returns the findings as lines for people. */
export function formatText (url: string, findings: readonly Finding[]): string {
  const examined = findings.filter(({ detail }) => detail !== IS_ISSUER)
  const isIssuer = examined.length < findings.length
  const sections = GROUPS.flatMap(({ id, title, kind }) => {
    const own = examined.filter(({ group }) => group === id)
    return [...new Set(own.map(({ about }) => about))].map((about) => {
      const heading = kind === 'authorization-server' && about !== '' ? `${title} ${quote(about)}` : title
      return [heading, ...formatSection(own.filter((finding) => finding.about === about))].join('\n')
    })
  })
  const { pass, fail, warn, skip } = summarise(findings)
  const warnings = `${warn} warning${warn === 1 ? '' : 's'}`
  return [
    url,
    ...isIssuer ? [ISSUER_NOTICE] : [],
    ...sections,
    ...formatUnseen(examined),
    `${pass} passed, ${fail} failed, ${warnings}, ${skip} not checked`
  ].join('\n\n')
}

const ISSUER_NOTICE = 'This is the issuer of an authorization server, not an MCP endpoint. ' +
  'It is examined as one.\nGive the URL of the MCP endpoint to examine both, and how they fit together.'

function formatUnseen (findings: readonly Finding[]): string[] {
  const lines = listUnseen(findings).map(({ question, reason }) => `  ? ${question}: ${reason}`)
  return lines.length === 0 ? [] : [['Not seen', ...new Set(lines)].join('\n')]
}

function formatSection (findings: readonly Finding[]): string[] {
  const reasons = new Map<string, number>()
  for (const { result, detail } of findings) {
    if (result === 'skip') reasons.set(detail, (reasons.get(detail) ?? 0) + 1)
  }
  const common = new Map([...reasons].filter(([, count]) => count >= MANY))
  const told = findings.filter(({ result, detail }) => result !== 'skip' || !common.has(detail))
  const skipped = [...common].map(([reason, count]) => `  ${MARKS.skip} ${count} checks: ${reason}`)
  return [...told.flatMap(formatFinding), ...skipped]
}

function formatFinding ({ result, id, title, detail, clause, advice }: Finding): string[] {
  const line = `  ${MARKS[result]} ${title}`
  if (advice === undefined) return [detail === '' ? line : `${line}: ${detail}`]
  return [line, `      ${detail}`, `      ${clause} (${id})`, `      → ${advice}`]
}
