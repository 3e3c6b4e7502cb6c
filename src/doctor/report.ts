import type { Result } from './check.js'
import { GROUPS } from './checks.js'
import type { Finding } from './examine.js'
import { quote } from './quote.js'

const MARKS: Readonly<Record<Result, string>> = { pass: '✓', fail: '✗', warn: '!', skip: '–' }

/** Findings that are skipped for one reason are told once when there are as many. */
const MANY = 3

/** How many findings there are of each result. */
export type Summary = Readonly<Record<Result, number>>

/** Returns how many findings there are of each result. */
export function summarise (findings: readonly Finding[]): Summary {
  const count = (wanted: Result): number => findings.filter(({ result }) => result === wanted).length
  return { pass: count('pass'), fail: count('fail'), warn: count('warn'), skip: count('skip') }
}

/**
 * Returns the findings as one JSON document for programs. Members are added, never renamed or
 * removed, while `version` stays the same.
 */
export function formatJson (url: string, findings: readonly Finding[]): string {
  const summary = summarise(findings)
  return JSON.stringify({ version: 1, url, ok: summary.fail === 0, summary, findings }, null, 2)
}

/** Returns the findings as lines for people. */
export function formatText (url: string, findings: readonly Finding[]): string {
  const sections = GROUPS.flatMap(({ id, title, kind }) => {
    const own = findings.filter(({ group }) => group === id)
    return [...new Set(own.map(({ about }) => about))].map((about) => {
      const heading = kind === 'authorization-server' && about !== '' ? `${title} ${quote(about)}` : title
      return [heading, ...formatSection(own.filter((finding) => finding.about === about))].join('\n')
    })
  })
  const { pass, fail, warn, skip } = summarise(findings)
  return [url, ...sections, `${pass} passed, ${fail} failed, ${count(warn, 'warning')}, ${skip} not checked`].join('\n\n')
}

function formatSection (findings: readonly Finding[]): string[] {
  const reasons = findings.filter(({ result }) => result === 'skip').map(({ detail }) => detail)
  const common = new Set(reasons.filter((reason) => reasons.filter((other) => other === reason).length >= MANY))
  const lines = findings.filter(({ result, detail }) => result !== 'skip' || !common.has(detail)).flatMap(formatFinding)
  const skipped = [...common].map((reason) => `  ${MARKS.skip} ${reasons.filter((other) => other === reason).length} checks: ${reason}`)
  return [...lines, ...skipped]
}

function formatFinding ({ result, id, title, detail, clause, advice }: Finding): string[] {
  const line = `  ${MARKS[result]} ${title}`
  if (advice === undefined) return [detail === '' ? line : `${line}: ${detail}`]
  return [line, `      ${detail}`, `      ${clause} (${id})`, `      → ${advice}`]
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
