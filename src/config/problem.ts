/** One thing wrong with the configuration; `place` is a member path, `line:column`, a variable or a flag. */
export interface Problem {
  readonly place: string
  readonly message: string
}

export type Path = readonly (string | number)[]

/** Every problem that was found, at once (behaviour O1). */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** Where the configuration comes from, for people; absent when it is a value that the program made. */
  readonly source: string | undefined

  constructor (problems: readonly Problem[], source?: string) {
    super(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.source = source
  }
}

/** Returns a member path as a JavaScript programmer would write it: `servers[0].policy.tools["list_*"]`. */
export function formatPlace (path: Path): string {
  if (path.length === 0) return '(top level)'
  return path.map((segment, index) => {
    if (typeof segment === 'number') return `[${segment}]`
    if (!/^[A-Za-z_$][\w$]*$/.test(segment)) return `[${JSON.stringify(segment)}]`
    return index === 0 ? segment : `.${segment}`
  }).join('')
}

/** Returns the problems without those that say nothing new: repeated, or at a place that `earlier` already names. */
export function withoutEchoes (problems: readonly Problem[], earlier: readonly Problem[]): Problem[] {
  const named = new Set(earlier.map(({ place }) => place))
  const seen = new Set<string>()
  return problems.filter(({ place, message }) => {
    const text = `${place}\n${message}`
    if (named.has(place) || seen.has(text)) return false
    seen.add(text)
    return true
  })
}
