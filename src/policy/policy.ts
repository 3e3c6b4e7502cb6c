/** What a message asks for; `target` is what the policy's rule map of that kind is looked up with (behaviour P1). */
export interface Operation {
  readonly method: string
  readonly target?: Target
  /**
   * The message is a response, so it has no method and `method` is only its label. A flag, because a client may choose
   * any string as a method: none of them can pass for a response, or a response for one of them.
   */
  readonly response?: true
}

export type TargetKind = 'tools' | 'resources' | 'prompts'

export interface Target {
  readonly kind: TargetKind
  /** Tool name, prompt name or resource URI, exactly as the message spells it. */
  readonly name: string
}

/** The outcome for a principal's scopes; `rule` names the rule as the configuration spells it, e.g. `tools.*_todo`. */
export type Decision =
  | { readonly effect: 'allow', readonly rule: string }
  | {
    readonly effect: 'deny'
    readonly rule: string
    /** `insufficient_scope`: some set of scopes would lift it. Otherwise no scope could. */
    readonly reason: 'insufficient_scope' | 'forbidden' | 'unlisted'
    /** Every scope the operation needs, for the alternative chosen by P7; empty when no scope could lift it. */
    readonly requiredScopes: readonly string[]
    readonly missingScopes: readonly string[]
  }

/** A compiled policy: pure, immutable, never throws. */
export interface Policy {
  /**
   * Decides a whole message: every operation must be allowed (P1). An operation without a target consults `methods`,
   * one with a target the rule map of its kind alone; so a message with a target is two operations. An empty list is
   * denied.
   */
  decide (operations: readonly Operation[], scopes: ReadonlySet<string>): Decision
  /** Every scope that the rules name, sorted; published as `scopes_supported` by default (R3). */
  readonly scopes: readonly string[]
}
