import { examine, type ExamineOptions, type Finding } from '../../src/doctor/examine.js'

/** Examines a server on this machine, with a generous time limit. */
export function examineSample (
  url: string, options: Partial<ExamineOptions> = {}
): Promise<readonly Finding[]> {
  return examine({ url, timeoutMs: 5_000, now: Date.now, ...options })
}

/** Returns `id: result` for each finding that does not hold. */
export function unmet (findings: readonly Finding[]): string[] {
  return findings
    .filter(({ result }) => result === 'fail' || result === 'warn')
    .map(({ id, result }) => `${id}: ${result}`)
}

/** Returns the finding of a check. Throws when there is none. */
export function findingOf (findings: readonly Finding[], id: string): Finding {
  const finding = findings.find((one) => one.id === id)
  if (finding === undefined) throw new Error(`there is no check ${id}`)
  return finding
}
