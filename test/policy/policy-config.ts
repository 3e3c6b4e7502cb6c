import type { PolicyConfig } from '../../src/options/policy.js'

/** A policy configuration with every default filled in. */
export function policyConfig (parts: Partial<PolicyConfig> = {}): PolicyConfig {
  return {
    tools: {},
    resources: {},
    prompts: {},
    methods: {},
    implies: {},
    unlisted: { tools: 'deny', resources: 'deny', prompts: 'deny' },
    filterLists: true,
    ...parts
  }
}
