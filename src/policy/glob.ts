/** What a wildcard stands for: any run of characters, or any run without `/`. */
export type Gap = 'any' | 'segment'

/** A pattern (P3): chunks of literal text with gaps between them. Only the outer two chunks may be empty. */
export interface Glob {
  readonly source: string
  readonly chunks: readonly string[]
  readonly gaps: readonly Gap[]
  /** Number of literal characters (UTF-16 code units). The more, the more specific is the pattern. */
  readonly literals: number
}

/** Tells whether a rule's key is a pattern. A `*` is always a wildcard; there is no escape. */
export function isPattern (key: string): boolean {
  return key.includes('*')
}

/**
 * Reads a pattern (P3). In URIs a single `*` stops at `/` and `**` does not; in names every run of stars is
 * one wildcard. Does not throw.
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
 * Tells whether the whole name matches the pattern, code unit by code unit. The client chooses the name, so
 * the cost is bounded: by the length of the name times that of the pattern, because the lengths of a wildcard
 * are not tried one after the other.
 */
export function matchesGlob ({ source, chunks, gaps, literals }: Glob, name: string): boolean {
  if (gaps.length === 0) return name === source
  const prefix = chunks[0] as string
  const suffix = chunks[chunks.length - 1] as string
  if (name.length < literals || !name.startsWith(prefix) || !name.endsWith(suffix)) return false

  const end = name.length - suffix.length
  let reached: readonly number[] = [prefix.length]
  for (let index = 1; index < chunks.length - 1; index++) {
    // Before a gap that may cross `/`, the earliest end leaves the most room, so later ones cannot do better.
    const earliestOnly = gaps[index] === 'any'
    reached = passChunk(name, end, reached, chunks[index] as string, gaps[index - 1] as Gap, earliestOnly)
    if (reached.length === 0) return false
  }
  if (gaps[gaps.length - 1] === 'any') return true
  const slash = name.indexOf('/', reached[reached.length - 1])
  return slash === -1 || slash >= end
}

/** Returns, in ascending order, where the chunk can end when the gap before it starts at one of `reached`. */
function passChunk (
  name: string, end: number, reached: readonly number[], chunk: string, gap: Gap, earliestOnly: boolean
): readonly number[] {
  const passed: number[] = []
  let start = reached[0] as number
  let next = 1
  let lastSlash = -1
  let slash = gap === 'any' ? -1 : name.indexOf('/', start)
  const last = end - chunk.length
  for (let at = name.indexOf(chunk, start); at !== -1 && at <= last; at = name.indexOf(chunk, at + 1)) {
    for (; next < reached.length && reached[next] as number <= at; next++) start = reached[next] as number
    for (; slash !== -1 && slash < at; slash = name.indexOf('/', slash + 1)) lastSlash = slash
    if (lastSlash >= start) continue
    passed.push(at + chunk.length)
    if (earliestOnly) break
  }
  return passed
}
