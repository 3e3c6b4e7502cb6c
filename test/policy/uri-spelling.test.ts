import fc from 'fast-check'
import t from 'tap'
import { compilePolicy } from '../../src/policy/compile.js'
import type { Decision } from '../../src/policy/policy.js'
import { listSpellings, lowerScheme } from '../../src/policy/uri-spelling.js'
import { policyConfig } from './policy-config.js'

type Resources = Readonly<Record<string, string | boolean>>

/** What a principal with all scopes hears about a URI: only the policy of resources decides. */
function read (resources: Resources, name: string, unlisted: 'deny' | 'allow' = 'deny'): Decision {
  const policy = compilePolicy(policyConfig({ resources, unlisted: { tools: 'deny', resources: unlisted, prompts: 'deny' } }))
  return policy.decide([{ method: 'resources/read', target: { kind: 'resources', name } }], new Set(['a', 'b']))
}

t.test('the spellings of a URI are what an upstream may decode it to, one step or more', async (t) => {
  const table: Readonly<Record<string, readonly string[]>> = {
    'repo://acme/src%2Findex.ts': ['repo://acme/src/index.ts'],
    'repo://acme/C%3A%5Cx': ['repo://acme/C%3A/x'],
    'repo://acme/%61%2fb': ['repo://acme/a%2fb', 'repo://acme/a/b'],
    'repo://acme/a%252Fb': ['repo://acme/a%2Fb', 'repo://acme/a/b'],
    'repo://acme/a%20b%C3%A9%3F100%25': [],
    'repo://acme/a/b': []
  }
  for (const [uri, spellings] of Object.entries(table)) t.strictSame(listSpellings(uri), spellings, uri)
  t.equal(listSpellings(`repo://acme/%${'25'.repeat(40)}61`), undefined, 'more than anybody means')
})

t.test('letter case counts everywhere but in the scheme', async (t) => {
  t.strictSame(['FILE:///A', 'Notes+X://B', 'memo', 'a/B:c', '*X:Y', '//H/A'].map(lowerScheme), ['file:///A', 'notes+x://B', 'memo', 'a/B:c', '*x:Y', '//H/A'])
})

t.test('P6: a URI as RFC 6570 expands it is allowed when each of its spellings falls under the same rule', async (t) => {
  const uri = 'repo://acme/contents/src%2Findex.ts'
  const allowed: readonly (readonly [Resources, string])[] = [
    [{ 'repo://acme/**': 'a' }, uri],
    [{ 'repo://acme/contents/**': 'a', 'repo://**': 'b' }, uri],
    [{ [uri]: 'a', '**': false }, uri],
    [{ 'repo://acme/**': 'a' }, 'repo://acme/a%252Fb'],
    [{ 'repo://acme/**': 'a' }, 'REPO://acme/x'],
    [{ 'Notes://**': 'a' }, 'Notes://x'],
    [{ 'Notes://x': 'a' }, 'notes://x']
  ]
  for (const [resources, name] of allowed) t.match(read(resources, name), { effect: 'allow' }, `${JSON.stringify(resources)} ${name}`)
  t.match(read({}, uri, 'allow'), { effect: 'allow', rule: 'resources unlisted' })
})

t.test('P6: a URI that could fall under two rules is refused', async (t) => {
  const uri = 'repo://acme/contents/src%2Findex.ts'
  const refused: readonly (readonly [Resources, string])[] = [
    [{ 'repo://acme/contents/*': 'a' }, uri],
    [{ 'repo://acme/contents/*': 'a', 'repo://acme/**': 'b' }, uri],
    [{ 'repo://acme/contents/src/**': false, 'repo://acme/**': 'b' }, uri],
    [{ 'repo://acme/contents/src/index.ts': false, 'repo://acme/**': 'b' }, uri],
    [{ 'repo://acme/a%2Fb': false, 'repo://acme/**': 'b' }, 'repo://acme/a%2fb'],
    [{ 'repo://acme/a%2Fb': 'a', 'repo://acme/a%5Cb': 'a', '**': 'b' }, 'repo://acme/a%2fb'],
    [{ 'repo://acme/admin*': false, 'repo://acme/**': 'b' }, 'repo://acme/%61dmin%2Fx'],
    [{ 'repo://acme/a/**': false, 'repo://acme/**': 'b' }, 'repo://acme/a%252Fb'],
    [{ 'repo://acme/**': 'b' }, 'repo://acme/x%2F..%2Fy'],
    [{ 'repo://acme/**': 'b' }, 'repo://acme/x%2F%2Fy'],
    [{ 'repo://acme/**': 'b' }, `repo://acme/%${'25'.repeat(40)}61`]
  ]
  for (const [resources, name] of refused) t.match(read(resources, name), { effect: 'deny' }, `${JSON.stringify(resources)} ${name}`)
  t.match(read({ 'repo://acme/contents/*': false }, uri, 'allow'), { effect: 'deny' })
})

t.test('two keys that name one URI are a problem', async (t) => {
  const resources = { 'Notes://x': 'a', 'notes://x': 'b' }
  t.throws(() => read(resources, 'notes://x'), { name: 'PolicyError', message: /both name the same URI: keep one/ })
})

t.test('property: who may read a URI may read what it decodes to, under the same rule', async (t) => {
  const piece = fc.constantFrom('a', 'b', '/', '%2F', '%2f', '%5C', '%61', '%62', '%252F', '%2561', '.', '%2E', '%20')
  const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => `x://h/${pieces.join('')}`)
  const keys = ['x://**', 'x://h/*', 'x://h/a*', 'x://h/a/**', 'x://h/b', 'x://h/a/b', 'x://h/a%2Fb', '**/b']
  const rules = fc.subarray(keys).map((chosen) => Object.fromEntries(chosen.map((key) => [key, 'a'])))
  let allowed = 0
  fc.assert(fc.property(rules, name, fc.constantFrom('deny', 'allow'), (resources, uri, unlisted) => {
    const decision = read(resources, uri, unlisted)
    if (decision.effect === 'deny' || Object.hasOwn(resources, uri)) return
    allowed++
    const decoded = decodeAll(uri)
    const again = read(resources, decoded, unlisted)
    if (again.effect !== 'allow' || again.rule !== decision.rule) throw new Error(`${uri}: ${decision.rule}, but ${decoded}: ${again.rule}`)
  }), { numRuns: 5000 })
  t.ok(allowed > 200, `${allowed} were allowed`)
})

/**
 * As a careless reader does: until nothing is left that looks like an escape, spaces aside, which no URI may
 * hold.
 */
function decodeAll (uri: string): string {
  const decoded = uri.replace(/%(?!20)[\da-f]{2}/gi, (escape) => decodeURIComponent(escape)).replaceAll('\\', '/')
  return decoded === uri ? uri : decodeAll(decoded)
}
