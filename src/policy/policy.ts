/** What a message asks for. The rule map of the target's kind decides about the target (P1). */
export interface Operation {
  readonly method: string
  readonly target?: Target
  /**
   * The message is a response. It has no method, so `method` is only a label. This is a member of its own,
   * because a client may choose any string as a method, and no method may pass for a response.
   */
  readonly response?: true
}

export type TargetKind = 'tools' | 'resources' | 'prompts'

export interface Target {
  readonly kind: TargetKind
  /** Tool name, prompt name or resource URI, exactly as the message spells it. */
  readonly name: string
}

/** The outcome for a principal's scopes. `rule` is written as in the configuration, e.g. `tools.*_todo`. */
export type Decision =
  | { readonly effect: 'allow', readonly rule: string }
  | {
    readonly effect: 'deny'
    readonly rule: string
    /** `insufficient_scope`: with other scopes the message would be allowed. Otherwise no scope helps. */
    readonly reason: 'insufficient_scope' | 'forbidden' | 'unlisted'
    /** Every scope that the message needs, in the alternative that P7 chooses. Empty when no scope helps. */
    readonly requiredScopes: readonly string[]
    readonly missingScopes: readonly string[]
  }

/** A compiled policy: pure and immutable. It does not throw. */
export interface Policy {
  /**
   * Decides about a whole message: every operation must be allowed (P1). The rule map `methods` decides about
   * an operation without target, the rule map of the target's kind about one with target. So a message with a
   * target is two operations. An empty list is denied.
   */
  decide (operations: readonly Operation[], scopes: ReadonlySet<string>): Decision
  /** Every scope that the rules name, sorted. Published as `scopes_supported` by default (R3). */
  readonly scopes: readonly string[]
}
