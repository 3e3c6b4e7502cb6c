import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PolicyConfig } from '../../src/options/policy.js'
import { compilePolicy } from '../../src/policy/compile.js'
import { DEFAULT_METHOD_PATTERN, DEFAULT_METHODS, RESPONSES } from '../../src/policy/methods.js'
import type { Decision, Operation, TargetKind } from '../../src/policy/policy.js'
import { LONGEST_PATTERN_NAME } from '../../src/policy/regular-name.js'
import { ROOT } from '../helpers/root.js'
import { policyConfig } from './policy-config.js'

const docs = readFileSync(join(ROOT, 'docs/policy.md'), 'utf8')

/** A policy in a fenced block, and the table of messages after it. */
const EXAMPLE = /```json\n([^`]+)```\n\n\| asks for [^\n]+\n\|[-|]+\n((?:\|[^\n]+\n)+)/g

const KINDS: Readonly<Record<string, TargetKind>> = { 'tools/call': 'tools', 'resources/read': 'resources', 'prompts/get': 'prompts' }

function readAsked (cell: string): Operation[] {
  const [, method, name] = /^(\S+)(?: `(.+)`)?$/.exec(cell) as unknown as [string, string, string | undefined]
  const kind = KINDS[method]
  return name === undefined || kind === undefined
    ? [{ method }]
    : [{ method }, { method, target: { kind, name } }]
}

function spell (decision: Decision): string {
  if (decision.effect === 'allow') return `allowed by \`${decision.rule}\``
  const verdict = decision.reason === 'insufficient_scope' ? `needs \`${decision.requiredScopes.join(' ')}\`` : decision.reason
  return `${verdict}, says \`${decision.rule}\``
}

const cellsOf = (row: string): string[] => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
const scopesOf = (cell: string): string[] => cell.replaceAll('`', '').split(' ').filter((scope) => scope !== '')

t.test('P3, P4: every example of the policy page comes out as the page says', async (t) => {
  const examples = [...docs.matchAll(EXAMPLE)] as unknown as ReadonlyArray<readonly [string, string, string]>
  t.equal(examples.length, docs.split('```json').length - 1, 'every policy has its table')
  for (const [, json, table] of examples) {
    const policy = compilePolicy(policyConfig(JSON.parse(json) as Partial<PolicyConfig>))
    for (const row of table.trimEnd().split('\n')) {
      const [asked, scopes, expected] = cellsOf(row) as [string, string, string]
      t.equal(spell(policy.decide(readAsked(asked), new Set(scopesOf(scopes)))), expected, `${asked} with ${scopes}`)
    }
  }
})

t.test('P1: the table of methods is complete and true', async (t) => {
  const rows = docs.split('\n').filter((line) => /^\| `[^`]+` \| [^|]+ \| [^|]+ \| any accepted token \|$/.test(line))
  const methods = rows.map((row) => (cellsOf(row)[0] as string).replaceAll('`', ''))
  t.strictSame(new Set(methods), new Set([...DEFAULT_METHODS, DEFAULT_METHOD_PATTERN, RESPONSES]))
  t.equal(methods.length, new Set(methods).size)
})

t.test('P2: every form of a rule in the table of rules is one', async (t) => {
  const rows = docs.split('\n').filter((line) => /^\| `[^`]+` \| [^|]+ \|$/.test(line)).map((row) => cellsOf(row)[0] as string)
  t.equal(rows.length, 6)
  for (const rule of rows) compilePolicy(policyConfig({ tools: { x: JSON.parse(rule.replaceAll('`', '')) as string } }))
})

t.test('the limit on the page is the limit of the code', async (t) => {
  t.ok(docs.includes(`longer than ${LONGEST_PATTERN_NAME} characters`))
})
