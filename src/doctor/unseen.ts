import type { Finding } from './examine.js'

/** What people take a report without failures to say, and the check that would have to say it. */
const QUESTIONS: ReadonlyArray<readonly [check: string, question: string]> = [
  ['as-scopes', 'whether the authorization server knows the scopes that clients will ask for'],
  ['as-register', 'whether clients can register with these scopes, and ask for more later'],
  ['token-audience', 'whether the audience of the resource arrives in tokens'],
  ['token-accepted', 'whether the server accepts the tokens that clients will get'],
  ['token-other-audience', 'whether the server refuses tokens for other resources']
]

/** One thing that an examination leaves open. */
export interface Unseen {
  readonly check: string
  /** The URL or the issuer that it is about. */
  readonly about: string
  readonly question: string
  readonly reason: string
}

/** Returns what an examination could not see, and why. That no authorization server is named is a failure. */
export function listUnseen (findings: readonly Finding[]): readonly Unseen[] {
  return QUESTIONS.flatMap(([check, question]) => findings
    .filter(({ id, result, about }) => id === check && result === 'skip' && about !== '')
    .map(({ about, detail }) => ({ check, about, question, reason: detail })))
}
