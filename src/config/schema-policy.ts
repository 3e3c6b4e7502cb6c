import Type from 'typebox'
import type { Rule } from './config.js'
import { DEFAULTS } from './defaults.js'
import { closed, scope } from './schema-terms.js'

const scopes = Type.Array(scope, { minItems: 1 })

const rule = Type.Union([
  scope,
  scopes,
  Type.Object({ anyOf: Type.Array(Type.Union([scope, scopes]), { minItems: 1 }) }, closed),
  Type.Object({ allOf: scopes }, closed),
  Type.Boolean()
], {
  title: 'a rule: a scope, a non-empty array of scopes (all of them), {"anyOf": [...]}, {"allOf": [...]}, true (any accepted token) or false (nobody)'
})

function ruleMap (description: string) {
  return Type.Optional(Type.Unsafe<Record<string, Rule>>(Type.Object({}, { additionalProperties: rule, description })))
}

const unlisted = Type.Enum(['deny', 'allow'])

function unlistedOf (kind: string) {
  return Type.Optional(Type.Enum(['deny', 'allow'], { default: DEFAULTS.unlisted, description: `What happens to ${kind} that no rule names.` }))
}

export const policy = Type.Object({
  tools: ruleMap('Rules for tools: name or pattern → rule. A rule is a scope, an array of scopes (all of them), `{"anyOf": [...]}`, `{"allOf": [...]}`, `true` (any accepted token) or `false` (nobody). In a pattern `*` stands for any characters.'),
  resources: ruleMap('Rules for MCP resources: URI or pattern → rule. In a pattern `*` stands for any characters but `/`, `**` for any.'),
  prompts: ruleMap('Rules for prompts: name or pattern → rule.'),
  methods: ruleMap('Rules for JSON-RPC methods without a target: method or pattern → rule. The handshake, `ping` and the list methods are allowed by default, unknown methods are denied.'),
  implies: Type.Optional(Type.Unsafe<Record<string, string[]>>(Type.Object({}, {
    propertyNames: scope,
    additionalProperties: scopes,
    description: 'Scope hierarchies: scope → scopes that it includes, transitively.'
  }))),
  unlisted: Type.Optional(Type.Union([
    unlisted,
    Type.Object({
      tools: unlistedOf('tools'),
      resources: unlistedOf('MCP resources'),
      prompts: unlistedOf('prompts')
    }, closed)
  ], {
    title: '"deny", "allow", or an object of these for tools, resources and prompts',
    default: DEFAULTS.unlisted,
    description: 'What happens to names that no rule matches: `"deny"`, `"allow"`, or an object that says so for each kind.'
  })),
  filterLists: Type.Optional(Type.Boolean({
    default: DEFAULTS.filterLists,
    description: 'Remove from list results what the same token could not use.'
  }))
}, { ...closed, description: 'Who may do what. What no rule names is denied.' })
