/** A block of commands of a page, and what the page says a reader sees. */
export interface Step {
  /** The heading above it. */
  readonly title: string
  readonly commands: string
  /** Lines that must be printed, in this order, among others; `…` stands for any text. */
  readonly expected: readonly string[]
}

const PART = /^## (?<title>.+)$|^```(?<language>\w*)\n(?<code>[^]*?)^```$/gm

/** Returns the `sh` blocks of a page. A block without a language is the output of the one above it. */
export function readSteps (page: string): readonly Step[] {
  const steps: Step[] = []
  let heading = ''
  for (const { groups: { title, language, code = '' } = {} } of page.matchAll(PART)) {
    if (title !== undefined) heading = title
    if (language === 'sh') steps.push({ title: heading, commands: code, expected: [] })
    const last = steps.at(-1)
    if (language === '' && last !== undefined) {
      steps[steps.length - 1] = { ...last, expected: code.trimEnd().split('\n') }
    }
  }
  return steps
}

/** Returns the first expected line that is not printed after the ones before it; undefined if all are. */
export function findMissing (output: string, expected: readonly string[]): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd()).values()
  return expected.find((line) => {
    const pattern = toPattern(line)
    for (const printed of lines) {
      if (pattern.test(printed)) return false
    }
    return true
  })
}

function toPattern (line: string): RegExp {
  const literals = line.trimEnd().split('…')
    .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`)
}
