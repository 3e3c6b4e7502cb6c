/** What a wildcard stands for: any run of characters, or any run without `/`. */
export type Gap = 'any' | 'segment'

/** A pattern (P3): literal text with gaps between. There is one chunk more than gaps; only the outer two may be empty. */
export interface Glob {
  readonly source: string
  readonly chunks: readonly string[]
  readonly gaps: readonly Gap[]
  /** Number of literal characters (UTF-16 code units): more of them make a pattern more specific. */
  readonly literals: number
}

/** Tells whether a rule's key is a pattern. There is no escape: a `*` is always a wildcard. */
export function isPattern (key: string): boolean {
  return key.includes('*')
}

/**
 * Reads a pattern (P3). In URIs a single `*` stops at `/` and `**` does not; in names every run of stars is one
 * wildcard. Never throws.
 */
export function parseGlob (source: string, syntax: 'name' | 'uri'): Glob {
  const parts = source.split(/(\*+)/)
  const chunks = parts.filter((_, index) => index % 2 === 0)
  const stars = parts.filter((_, index) => index % 2 === 1)
  return {
    source,
    chunks,
    gaps: stars.map((run) => syntax === 'uri' && run.length === 1 ? 'segment' : 'any'),
    literals: chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }
}

/**
 * Tells whether the whole name fits the pattern, comparing code unit by code unit. The client chooses the name, so the
 * cost is bounded by the name's length times the pattern's: nothing here tries a wildcard's lengths one after the other.
 */
export function matchesGlob ({ source, chunks, gaps, literals }: Glob, name: string): boolean {
  if (gaps.length === 0) return name === source
  const prefix = chunks[0] as string
  const suffix = chunks[chunks.length - 1] as string
  if (name.length < literals || !name.startsWith(prefix) || !name.endsWith(suffix)) return false

  const end = name.length - suffix.length
  let reached: readonly number[] = [prefix.length]
  for (let index = 1; index < chunks.length - 1; index++) {
    // Before a gap that crosses `/`, the earliest end leaves the most room: no later one can do better.
    const earliestOnly = gaps[index] === 'any'
    reached = passChunk(name, end, reached, chunks[index] as string, gaps[index - 1] as Gap, earliestOnly)
    if (reached.length === 0) return false
  }
  if (gaps[gaps.length - 1] === 'any') return true
  const slash = name.indexOf('/', reached[reached.length - 1])
  return slash === -1 || slash >= end
}

/** Returns every position, ascending, at which an occurrence of the chunk ends that a gap can lead to from `reached`. */
function passChunk (
  name: string, end: number, reached: readonly number[], chunk: string, gap: Gap, earliestOnly: boolean
): readonly number[] {
  const passed: number[] = []
  let start = reached[0] as number
  let next = 1
  let lastSlash = -1
  let slash = gap === 'any' ? -1 : name.indexOf('/', start)
  for (let at = name.indexOf(chunk, start); at !== -1 && at + chunk.length <= end; at = name.indexOf(chunk, at + 1)) {
    for (; next < reached.length && reached[next] as number <= at; next++) start = reached[next] as number
    for (; slash !== -1 && slash < at; slash = name.indexOf('/', slash + 1)) lastSlash = slash
    if (lastSlash >= start) continue
    passed.push(at + chunk.length)
    if (earliestOnly) break
  }
  return passed
}
