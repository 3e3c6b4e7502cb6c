import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeAfter } from '../../helpers/closing.js'
import { Missing } from '../outcome.js'
import type { Programs } from '../programs.js'
import { startExamined, type ExaminedName } from './examined.js'
import { EXPECTED_FINDINGS, type ExpectedFinding } from './expected.js'
import type { Check, Grader } from './grader.js'
import { mcpAuthlab } from './mcp-authlab.js'
import { mcpAuthscan } from './mcp-authscan.js'
import { testmcpy } from './testmcpy.js'

export const GRADERS: readonly Grader[] = [mcpAuthlab, mcpAuthscan, testmcpy]

/** What came of one grader at what it examined. */
export interface Grade {
  readonly grader: Grader['name']
  readonly examined: ExaminedName
  readonly outcome: GradeOutcome
}

export type GradeOutcome =
  /** Every check that did not pass was expected. */
  | { readonly kind: 'ok', readonly passed: number, readonly expected: readonly ExpectedFinding[] }
  /** Not tried: this machine lacks a program. */
  | { readonly kind: 'missing', readonly reason: string }
  | { readonly kind: 'failed', readonly what: string }

/** Lets every grader examine what it can, one after the other. Throws only when it is stopped. */
export async function gradeAll (
  programs: Programs, signal: AbortSignal, report: (line: string) => void
): Promise<readonly Grade[]> {
  const grades: Grade[] = []
  for (const grader of GRADERS) {
    for (const examined of grader.examines) {
      signal.throwIfAborted()
      const outcome = await grade(grader, examined, programs)
      report(`${formatGrade(outcome)}  ${grader.name} × ${examined}`)
      grades.push({ grader: grader.name, examined, outcome })
    }
  }
  return grades
}

async function grade (grader: Grader, name: ExaminedName, programs: Programs): Promise<GradeOutcome> {
  try {
    const checks = await closeAfter(async (closing) => {
      const folder = await mkdtemp(join(tmpdir(), 'postern-interop-'))
      closing.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
      const examined = await startExamined(closing, name, folder)
      return grader.grade(closing, { examined, programs, folder })
    })
    return judge(checks, EXPECTED_FINDINGS.filter((finding) => {
      return finding.grader === grader.name && finding.examined === name
    }))
  } catch (error) {
    if (error instanceof Missing) return { kind: 'missing', reason: error.message }
    return { kind: 'failed', what: error instanceof Error ? error.message : String(error) }
  }
}

/** Compares what a grader found with what is expected of it. A report without checks says nothing. */
export function judge (checks: readonly Check[], expected: readonly ExpectedFinding[]): GradeOutcome {
  const findings = checks.filter(({ isPassed }) => !isPassed)
  const isExpected = ({ id }: Check): boolean => expected.some((finding) => finding.id === id)
  const isFound = ({ id }: ExpectedFinding): boolean => findings.some((finding) => finding.id === id)
  const problems = [
    ...findings.filter((check) => !isExpected(check)).map(({ id, text }) => `${id}: ${text}`),
    ...expected.filter((finding) => !isFound(finding)).map(({ id }) => `${id} no longer comes`),
    ...checks.length === 0 ? ['it checked nothing'] : []
  ]
  if (problems.length > 0) return { kind: 'failed', what: problems.join('; ') }
  return { kind: 'ok', passed: checks.length - findings.length, expected }
}

function formatGrade (outcome: GradeOutcome): string {
  switch (outcome.kind) {
    case 'ok': return `ok      (${outcome.passed} checks pass)`
    case 'missing': return `missing (${outcome.reason})`
    case 'failed': return `FAILED  (${outcome.what})`
  }
}
