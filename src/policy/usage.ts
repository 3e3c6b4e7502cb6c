import type { PolicyConfig } from '../options/policy.js'
import { compileTables } from './compile.js'
import { parseGlob } from './glob.js'
import { findCommonName } from './overlap.js'
import type { TargetKind } from './policy.js'
import { nameRule, readPolicy, type WrittenRule } from './read.js'
import { findRule } from './rule-table.js'
import { lowerScheme } from './uri-spelling.js'

/** The names that an upstream lists. */
export interface ListedNames {
  readonly tools: readonly string[]
  readonly prompts: readonly string[]
  readonly resources: readonly string[]
  /** Any URI that fits one may be read. */
  readonly resourceTemplates: readonly string[]
}

/** How the rules of a policy and the names of an upstream fit together. */
export interface PolicyUsage {
  /** Rules that decide about no listed name, as decisions report them. */
  readonly idle: readonly string[]
  /** Listed names that no rule decides about, with what happens to them. */
  readonly unruled: readonly UnruledNames[]
}

export interface UnruledNames {
  readonly kind: TargetKind
  readonly effect: 'deny' | 'allow'
  readonly names: readonly string[]
}

const KINDS = ['tools', 'resources', 'prompts'] as const

/**
 * Comparing a template with a pattern costs the product of their lengths, and the upstream chooses the
 * templates. Beyond this many characters, every rule for MCP resources counts as used.
 */
const MAX_TEMPLATE_LENGTH = 65_536

/**
 * Returns how a policy fits the names that an upstream lists, found by the look-up that decides about
 * requests. Rules for methods are left out, because nobody lists those. Throws PolicyError.
 */
export function findUsage (config: PolicyConfig, listed: ListedNames): PolicyUsage {
  const read = readPolicy(config)
  const tables = compileTables(read, config.unlisted)
  const decided = KINDS.flatMap((kind) =>
    namesOf(listed, kind).map((name) => ({ kind, name, rule: findRule(tables[kind], name) })))
  const deciding = new Set(decided.map(({ rule }) => rule.name))
  const reachesTemplate = compareWithTemplates(listed.resourceTemplates)
  const idle = read.rules
    .filter(({ kind }) => kind !== 'methods')
    .filter((rule) => !deciding.has(nameRule(rule)) && !reachesTemplate(rule))
  const unruled = decided.filter(({ kind, rule }) => rule.name === tables[kind].unlisted.name)
  return {
    idle: idle.map(nameRule),
    // A name that only an exact rule may decide about is denied also where others are allowed (P6).
    unruled: KINDS.flatMap((kind) => (['deny', 'allow'] as const).flatMap((effect) => {
      const names = unruled
        .filter((one) => one.kind === kind && (one.rule.alternatives.length === 0) === (effect === 'deny'))
        .map(({ name }) => name)
      return names.length === 0 ? [] : [{ kind, effect, names }]
    }))
  }
}

/** The policy decides about a template as it is written, when it is listed. */
function namesOf (listed: ListedNames, kind: TargetKind): readonly string[] {
  return kind === 'resources' ? [...listed.resources, ...listed.resourceTemplates] : listed[kind]
}

/** Returns whether a rule may decide about a URI that fits one of the templates. */
function compareWithTemplates (templates: readonly string[]): (rule: WrittenRule) => boolean {
  const length = templates.reduce((sum, template) => sum + template.length, 0)
  const globs = length > MAX_TEMPLATE_LENGTH
    ? undefined
    : templates.map((template) => parseGlob(lowerScheme(template.replace(/\{[^{}]*\}/g, '**')), 'uri'))
  return ({ kind, glob, text }) => {
    if (kind !== 'resources') return false
    const written = glob ?? parseGlob(text, 'uri')
    return globs === undefined || globs.some((template) => findCommonName(written, template) !== undefined)
  }
}
