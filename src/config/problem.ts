/** One fault of the configuration. `place` is a member path, `line:column`, a variable or a flag. */
export interface Problem {
  readonly place: string
  readonly message: string
}

/** A value that was read, its problems, and warnings about what is allowed but seldom meant. */
export interface Result<Value> {
  /** With problems, parts of it may be missing. */
  readonly value: Value
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

export type Path = ReadonlyArray<string | number>

/** Every problem that was found, at once (O1). */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** Where the configuration comes from, for people to read; absent when the program made the value. */
  readonly source: string | undefined

  constructor (problems: readonly Problem[], source?: string) {
    super(problems.map(formatProblem).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.source = source
  }
}

/** Returns a result with this value and these problems, without warnings. */
export function resultOf<Value> (value: Value, problems: readonly Problem[] = []): Result<Value> {
  return { value, problems, warnings: [] }
}

/** Returns a problem in one line of text. */
export function formatProblem ({ place, message }: Problem): string {
  return `${place}: ${message}`
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

/** Returns the problems without those that are repeated or at a place that `earlier` already names. */
export function withoutEchoes (problems: readonly Problem[], earlier: readonly Problem[] = []): Problem[] {
  const named = new Set(earlier.map(({ place }) => place))
  const seen = new Set<string>()
  return problems.filter((problem) => {
    const text = formatProblem(problem)
    if (named.has(problem.place) || seen.has(text)) return false
    seen.add(text)
    return true
  })
}
