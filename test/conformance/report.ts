/** The outcome of one check of a scenario. The suite's notes without an outcome (`INFO`) are left out. */
export interface Check {
  readonly name: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED'
  /** What was wrong; empty when nothing was wrong. */
  readonly message: string
}

export interface ScenarioReport {
  readonly scenario: string
  /** Why the suite does not count it for conformance; undefined when it does. */
  readonly notScored: string | undefined
  readonly checks: readonly Check[]
}

/** One run of the suite: all scenarios of a revision, in order. */
export type Report = readonly ScenarioReport[]

/** One scenario, run both ways. */
export interface Row {
  readonly scenario: string
  readonly notScored: string | undefined
  readonly direct: string
  readonly through: string
  /** The checks whose outcomes differ, as lines for people; empty when the two are identical. */
  readonly differences: readonly string[]
}

export interface Comparison {
  readonly revision: string
  readonly rows: readonly Row[]
  /** The totals of the scenarios that count for conformance. */
  readonly scored: Totals
  /** The totals of all scenarios. */
  readonly all: Totals
}

interface Totals {
  readonly direct: string
  readonly through: string
}

/** Compares two runs scenario by scenario and check by check. Throws when one of them has none. */
export function compareReports (revision: string, direct: Report, through: Report): Comparison {
  if (direct.length === 0 || through.length === 0) {
    throw new Error(`the suite ran no scenarios of ${revision}`)
  }
  const names = new Set([...direct, ...through].map(({ scenario }) => scenario))
  const rows = Array.from(names, (scenario) => {
    return compareScenario(find(direct, scenario), find(through, scenario), scenario)
  })
  return {
    revision,
    rows,
    scored: { direct: countAll(direct.filter(isScored)), through: countAll(through.filter(isScored)) },
    all: { direct: countAll(direct), through: countAll(through) }
  }
}

/** Returns whether every scenario came out the same, check by check. */
export function areIdentical ({ rows }: Comparison): boolean {
  return rows.every(({ differences }) => differences.length === 0)
}

function find (report: Report, scenario: string): ScenarioReport | undefined {
  return report.find((candidate) => candidate.scenario === scenario)
}

function compareScenario (
  direct: ScenarioReport | undefined, through: ScenarioReport | undefined, scenario: string
): Row {
  return {
    scenario,
    notScored: direct?.notScored ?? through?.notScored,
    direct: count(direct?.checks),
    through: count(through?.checks),
    differences: [
      ...linesWithout(direct, through).map((line) => `direct:  ${line}`),
      ...linesWithout(through, direct).map((line) => `through: ${line}`)
    ]
  }
}

/** Returns the lines that the other report lacks. A line that occurs twice must occur twice there. */
function linesWithout (report: ScenarioReport | undefined, other: ScenarioReport | undefined): string[] {
  const left = linesOf(other)
  return linesOf(report).filter((line) => {
    const index = left.indexOf(line)
    if (index !== -1) left.splice(index, 1)
    return index === -1
  })
}

function linesOf (report: ScenarioReport | undefined): string[] {
  if (report === undefined) return ['was not run']
  const { checks, notScored } = report
  return [
    `${checks.length} checks, ${notScored ?? 'scored'}`,
    ...checks.map(({ name, status, message }) => `${status} ${name}${message === '' ? '' : `: ${message}`}`)
  ]
}

function isScored ({ notScored }: ScenarioReport): boolean {
  return notScored === undefined
}

function countAll (report: Report): string {
  return count(report.flatMap(({ checks }) => checks))
}

const WORDS = { SUCCESS: 'passed', FAILURE: 'failed', WARNING: 'warned', SKIPPED: 'skipped' } as const

/** Returns the totals of the checks: `3 passed, 1 failed`. */
function count (checks: readonly Check[] | undefined): string {
  if (checks === undefined) return 'not run'
  const counts = (Object.keys(WORDS) as Array<keyof typeof WORDS>)
    .map((status) => ({ status, number: checks.filter((check) => check.status === status).length }))
    .filter(({ status, number }) => number > 0 || status === 'SUCCESS')
  return counts.map(({ status, number }) => `${number} ${WORDS[status]}`).join(', ')
}
