import { headerLines, type HttpResponse } from './exchange.js'

/** One challenge of a `WWW-Authenticate` header, as a client reads it (RFC 9110 §11.6.1). */
export interface ParsedChallenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case; for a repeated name its first value. */
  readonly parameters: ReadonlyMap<string, string>
  /** Names that occur more than once. */
  readonly repeated: readonly string[]
}

const SEPARATORS = /[\t ,]*/y
const SCHEME = /([\w!#$%&'*+\-.^`|~]+)(?:[\t ]+|(?=,)|$)/y
const PARAMETER =
  /([\w!#$%&'*+\-.^`|~]+)[\t ]*=[\t ]*(?:([\w!#$%&'*+\-.^`|~]+)|"((?:[^"\\]|\\.)*)")[\t ]*(?=,|$)/y
const TOKEN68 = /[\w\-.~+/]+=*[\t ]*(?=,|$)/y

/** Returns the challenges in one header value, in order; undefined when it does not follow the grammar. */
export function parseChallenges (value: string): ParsedChallenge[] | undefined {
  const challenges: ParsedChallenge[] = []
  let position = 0
  let current: { parameters: Map<string, string>, repeated: string[] } | undefined

  function take (pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = position
    const match = pattern.exec(value)
    if (match !== null) position += match[0].length
    return match
  }

  function takeParameter (): boolean {
    const match = current === undefined ? null : take(PARAMETER)
    if (match === null) return false
    const name = (match[1] as string).toLowerCase()
    if (current?.parameters.has(name) === true) current.repeated.push(name)
    else current?.parameters.set(name, match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1'))
    return true
  }

  for (take(SEPARATORS); position < value.length; take(SEPARATORS)) {
    if (takeParameter()) continue
    const scheme = take(SCHEME)
    if (scheme === null) return undefined
    current = { parameters: new Map(), repeated: [] }
    challenges.push({ scheme: (scheme[1] as string).toLowerCase(), ...current })
    const isAlone = position === value.length || value[position] === ','
    if (!isAlone && !takeParameter() && take(TOKEN68) === null) return undefined
  }
  return challenges
}

/** What the `WWW-Authenticate` headers of a response say. */
export type Challenges =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed', readonly value: string }
  | {
    readonly kind: 'parsed'
    readonly bearer: readonly ParsedChallenge[]
    /** The schemes of all other challenges. */
    readonly others: readonly string[]
  }

/** Returns the challenges of a response: the Bearer challenges, and the schemes of the others. */
export function readChallenges (response: HttpResponse): Challenges {
  const lines = headerLines(response, 'www-authenticate')
  if (lines.length === 0) return { kind: 'absent' }
  const all: ParsedChallenge[] = []
  for (const value of lines) {
    const challenges = parseChallenges(value)
    if (challenges === undefined) return { kind: 'malformed', value }
    all.push(...challenges)
  }
  return {
    kind: 'parsed',
    bearer: all.filter(({ scheme }) => scheme === 'bearer'),
    others: all.map(({ scheme }) => scheme).filter((scheme) => scheme !== 'bearer')
  }
}

/**
 * Returns the first Bearer challenge of a response; undefined when there is none or the header cannot
 * be parsed.
 */
export function bearerChallenge (response: HttpResponse): ParsedChallenge | undefined {
  const challenges = readChallenges(response)
  return challenges.kind === 'parsed' ? challenges.bearer[0] : undefined
}

/** Returns the `error` of a response's first Bearer challenge; undefined when there is none. */
export function challengeError (response: HttpResponse): string | undefined {
  return bearerChallenge(response)?.parameters.get('error')
}
