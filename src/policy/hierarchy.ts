/** For each scope that implies others: all that it implies, directly or through others, without itself. */
export type Implications = ReadonlyMap<string, ReadonlySet<string>>

type Implies = Readonly<Record<string, readonly string[]>>

/** Returns the transitive closure of `implies` (P5). Terminates on cycles too; `findCycles` finds those. */
export function closeImplications (implies: Implies): Implications {
  const direct = new Map(Object.entries(implies))
  const closure = new Map<string, ReadonlySet<string>>()
  for (const scope of direct.keys()) {
    const implied = new Set<string>()
    const open = [scope]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const narrower of direct.get(next) ?? []) {
        if (implied.has(narrower)) continue
        implied.add(narrower)
        open.push(narrower)
      }
    }
    implied.delete(scope)
    closure.set(scope, implied)
  }
  return closure
}

/**
 * Returns the cycles in `implies`, each from a scope back to itself (P5): at least one for every group of
 * scopes that imply each other.
 */
export function findCycles (implies: Implies): string[][] {
  const direct = new Map(Object.entries(implies))
  const cycles: string[][] = []
  const finished = new Set<string>()
  const path: string[] = []
  const visit = (scope: string): void => {
    if (finished.has(scope)) return
    const start = path.indexOf(scope)
    if (start !== -1) {
      cycles.push([...path.slice(start), scope])
      return
    }
    path.push(scope)
    for (const narrower of direct.get(scope) ?? []) visit(narrower)
    path.pop()
    finished.add(scope)
  }
  for (const scope of direct.keys()) visit(scope)
  return cycles
}

/** Returns the scopes with all that they imply (P5). When they imply nothing, that is the same set object. */
export function expandScopes (implications: Implications, scopes: ReadonlySet<string>): ReadonlySet<string> {
  let expanded: Set<string> | undefined
  for (const scope of scopes) {
    for (const implied of implications.get(scope) ?? []) expanded = (expanded ?? new Set(scopes)).add(implied)
  }
  return expanded ?? scopes
}

/** Returns the scopes that each satisfy a demand for the given one: itself, then those that imply it. */
export function listSatisfying (implications: Implications, scope: string): string[] {
  const broader = [...implications].filter(([, implied]) => implied.has(scope)).map(([name]) => name)
  return [scope, ...broader]
}
