import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PolicyConfig } from '../../src/options/policy.js'
import { explainDecision, formatExplanation } from '../../src/policy/explain.js'
import type { Operation } from '../../src/policy/policy.js'
import { policyConfig } from '../policy/policy-config.js'
import { ROOT } from '../helpers/root.js'

/**
 * Golden cases: `<name>.json` is a policy and the messages to explain, `<name>.txt` what has to come out.
 * `UPDATE_GOLDEN=1 npx tap build/test/explain/explain.test.js` writes the .txt files anew: read their diff
 * before committing it.
 */
interface Case {
  readonly policy: Partial<PolicyConfig>
  readonly messages: ReadonlyArray<{
    readonly operations: readonly Operation[],
    readonly scopes: readonly string[]
  }>
}

const CASES = join(ROOT, 'test/explain/cases')
const names = namesOf('.json')

function namesOf (ending: string): string[] {
  return readdirSync(CASES).filter((file) => file.endsWith(ending)).map(
    (file) => file.slice(0, -ending.length)
  ).sort()
}

function explain ({ policy, messages }: Case): string {
  return messages
    .map(
      ({ operations, scopes }) => formatExplanation(
        explainDecision(policyConfig(policy), operations, new Set(scopes))
      )
    )
    .join('\n')
}

for (const name of names) {
  t.test(`${name} is explained as recorded`, async (t) => {
    const actual = explain(JSON.parse(readFileSync(join(CASES, `${name}.json`), 'utf8')) as Case)
    const recorded = join(CASES, `${name}.txt`)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(recorded, actual)
    t.ok(existsSync(recorded), 'there is a recorded explanation')
    t.equal(actual, readFileSync(recorded, 'utf8'))
  })
}

t.test('every recorded explanation belongs to a case', async (t) => {
  t.strictSame(namesOf('.txt'), names)
})
