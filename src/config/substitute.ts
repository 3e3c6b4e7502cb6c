import { formatPlace, type Path, type Problem, type Result } from './problem.js'

export type Variables = Readonly<Record<string, string | undefined>>

export interface Substituted extends Result<unknown> {
  /** Names of the variables that the text refers to. */
  readonly used: ReadonlySet<string>
}

const REFERENCE = /\$(?:\$|\{([^}]*)\}?)/g
const NAMED = /^([A-Za-z_]\w*)(?::-(.*))?$/s

/**
 * Returns the value with `${NAME}`, `${NAME:-default}` and `$$` replaced in every string except member names.
 * An empty variable counts as unset, as with a shell's `:-`: an empty secret is always a mistake. The value
 * of a variable is not searched for further references.
 */
export function substituteVariables (value: unknown, env: Variables): Substituted {
  const problems: Problem[] = []
  const used = new Set<string>()

  function replace (text: string, path: Path): string {
    return text.replace(REFERENCE, (whole: string, reference: string | undefined) => {
      if (reference === undefined) return '$'
      const named = whole.endsWith('}') && !reference.includes('${') ? NAMED.exec(reference) : null
      if (named === null) {
        problems.push({
          place: formatPlace(path),
          message: 'holds a variable reference that is neither ' +
            `\${NAME} nor \${NAME:-default}; write ${'$$'} for a dollar sign`
        })
        return whole
      }
      const [, name = '', fallback] = named
      used.add(name)
      const found = Object.hasOwn(env, name) ? env[name] : undefined
      if (found !== undefined && found !== '') return found
      if (fallback !== undefined) return fallback
      problems.push({
        place: formatPlace(path),
        message: `the environment variable ${name} is not set: set it, or write \${${name}:-default}`
      })
      return whole
    })
  }

  function visit (part: unknown, path: Path): unknown {
    if (typeof part === 'string') return replace(part, path)
    if (Array.isArray(part)) return part.map((item, index) => visit(item, [...path, index]))
    if (typeof part !== 'object' || part === null) return part
    const members = Object.entries(part).map(([key, member]) => [key, visit(member, [...path, key])])
    return Object.fromEntries(members)
  }

  return { value: visit(value, []), problems, warnings: [], used }
}
