/** `place` is relative to the policy and written as in decisions: `tools.*_todo`, `implies.todo:admin`. */
export interface PolicyProblem {
  readonly place: string
  readonly message: string
}

/** A policy cannot be compiled. `problems` is everything that is wrong with it. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'

  constructor (readonly problems: readonly PolicyProblem[]) {
    super(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'))
  }
}
