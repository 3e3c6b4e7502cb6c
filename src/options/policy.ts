import Type, { type Static, type StaticDecode } from 'typebox'
import { closed, mapOf, scope, type Immutable } from './terms.js'

const scopes = Type.Array(scope, { minItems: 1 })

export const rule = Type.Union([
  scope,
  scopes,
  Type.Object({ anyOf: Type.Array(Type.Union([scope, scopes]), { minItems: 1 }) }, closed),
  Type.Object({ allOf: scopes }, closed),
  Type.Boolean()
], {
  title: 'a rule: a scope, a non-empty array of scopes (all of them), {"anyOf": [...]}, {"allOf": [...]}, ' +
    'true (any accepted token) or false (nobody)'
})

export type Rule = Immutable<Static<typeof rule>>
export type RuleMap = Readonly<Record<string, Rule>>

const rules = (description: string) => mapOf<Static<typeof rule>>(rule, { description })

const denyOrAllow = { default: 'deny' } as const
const unlistedOf = (kind: string) =>
  Type.Enum(['deny', 'allow'], { ...denyOrAllow, description: `What happens to ${kind} that no rule names.` })

const unlistedByKind = Type.Object({
  tools: unlistedOf('tools'),
  resources: unlistedOf('MCP resources'),
  prompts: unlistedOf('prompts')
}, closed)

const unlisted = Type.Codec(Type.Union([Type.Enum(['deny', 'allow']), unlistedByKind], {
  ...denyOrAllow,
  title: '"deny", "allow", or an object of these for tools, resources and prompts',
  description: 'What happens to names that no rule matches: `"deny"`, `"allow"`, ' +
    'or an object that says so for each kind.'
}))
  .Decode((value) => typeof value === 'string' ? { tools: value, resources: value, prompts: value } : value)
  .Encode((value) => value)

export const policy = Type.Object({
  tools: rules(
    'Rules for tools: name or pattern → rule. A rule is a scope, an array of scopes (all of them), ' +
    '`{"anyOf": [...]}`, `{"allOf": [...]}`, `true` (any accepted token) or `false` (nobody). ' +
    'In a pattern `*` stands for any characters.'
  ),
  resources: rules(
    'Rules for MCP resources: URI or pattern → rule. ' +
    'In a pattern `*` stands for any characters but `/`, `**` for any.'
  ),
  prompts: rules('Rules for prompts: name or pattern → rule.'),
  methods: rules(
    'Rules for JSON-RPC methods without a target: method or pattern → rule. ' +
    'The handshake, `ping` and the list methods are allowed by default, unknown methods are denied.'
  ),
  implies: mapOf<string[]>(scopes, {
    propertyNames: scope,
    description: 'Scope hierarchies: scope → scopes that it includes, transitively.'
  }),
  unlisted,
  filterLists: Type.Boolean({
    default: true,
    description: 'Remove items from list results that the same token could not use.'
  })
}, { ...closed, default: {}, description: 'Who may do what. Anything that no rule names is denied.' })

export type PolicyConfig = Immutable<StaticDecode<typeof policy>>
export type Unlisted = Static<ReturnType<typeof unlistedOf>>
