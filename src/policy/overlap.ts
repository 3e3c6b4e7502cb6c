import type { Gap, Glob } from './glob.js'

type Token =
  | { readonly literal: string, readonly gap?: never }
  | { readonly literal?: never, readonly gap: Gap }

/**
 * Returns a name that both patterns match, or undefined when no name is matched by both (P3).
 *
 * It works backwards from the ends of the patterns. Two rests have a name in common when both go on with the
 * same character, or when a gap of one may end here or may take the next character of the other. When two
 * gaps meet, one of them ends first, so it is enough to end either. The cost is the product of the two
 * lengths.
 */
export function findCommonName (a: Glob, b: Glob): string | undefined {
  const left = toTokens(a)
  const right = toTokens(b)
  const width = right.length + 1
  const common = new Uint8Array((left.length + 1) * width)
  const meets = (i: number, j: number): boolean => common[i * width + j] === 1
  for (let i = left.length; i >= 0; i--) {
    for (let j = right.length; j >= 0; j--) {
      const ended = i === left.length && j === right.length
      const goesOn = ([di, dj]: Step): boolean => meets(i + di, j + dj)
      if (ended || nextSteps(left[i], right[j]).some(goesOn)) common[i * width + j] = 1
    }
  }
  return meets(0, 0) ? spellName(left, right, meets) : undefined
}

function toTokens ({ chunks, gaps }: Glob): Token[] {
  return chunks.flatMap((chunk, index) => {
    const literals: Token[] = chunk.split('').map((literal) => ({ literal }))
    const gap = gaps[index]
    return gap === undefined ? literals : [...literals, { gap }]
  })
}

type Step = readonly [di: 0 | 1, dj: 0 | 1]
const END_LEFT: Step = [1, 0]
const END_RIGHT: Step = [0, 1]
const BOTH: Step = [1, 1]

/** Returns the moves after which both rests can match the same text. Moving past a literal spells it. */
function nextSteps (left: Token | undefined, right: Token | undefined): readonly Step[] {
  if (left?.gap !== undefined && right?.gap !== undefined) return [END_LEFT, END_RIGHT]
  if (left?.gap !== undefined) return admits(left.gap, right?.literal) ? [END_LEFT, END_RIGHT] : [END_LEFT]
  if (right?.gap !== undefined) return admits(right.gap, left?.literal) ? [END_RIGHT, END_LEFT] : [END_RIGHT]
  return left !== undefined && left.literal === right?.literal ? [BOTH] : []
}

function admits (gap: Gap, literal: string | undefined): boolean {
  return literal !== undefined && (gap === 'any' || literal !== '/')
}

function spellName (
  left: readonly Token[], right: readonly Token[], meets: (i: number, j: number) => boolean
): string {
  let name = ''
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    const [di, dj] = nextSteps(left[i], right[j]).find(([di, dj]) => meets(i + di, j + dj)) as Step
    const passed = di === 1 ? left[i] as Token : right[j] as Token
    name += passed.literal ?? ''
    i += di
    j += dj
  }
  return name
}
