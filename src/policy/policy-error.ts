/** `place` is relative to the policy and names the rules as decisions do: `tools.*_todo`, `implies.todo:admin`. */
export interface PolicyProblem {
  readonly place: string
  readonly message: string
}

/** Thrown for a policy that cannot be compiled; `problems` is everything that is wrong with it. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'

  constructor (readonly problems: readonly PolicyProblem[]) {
    super(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'))
  }
}
