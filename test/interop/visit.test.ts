import t from 'tap'
import type { Traces } from './stack.js'
import type { Task } from './upstreams.js'
import {
  decideImpossible, decideUnknown, findProblems, hasAllScopes, REFUSAL_AFTER_ALL, type Visit
} from './visit.js'

const TASK: Task = {
  allowed: { tool: 'add', args: {}, result: /^42$/ },
  privileged: { tool: 'subtract', args: {}, result: /^-4$/ },
  forbidden: { tool: 'divide', args: {} }
}
const VISIT: Visit = {
  list: 'filtered',
  tools: ['add'],
  allowed: '42',
  privileged: { kind: 'answered', text: '-4' },
  forbidden: 'access_denied'
}
const TRACES: Traces = {
  allowed: ['add', 'subtract'], refused: [['divide', 'access_denied'], ['subtract', 'insufficient_scope']]
}

/** The visit of a client that does not ask for more scopes. */
const CONTENT: Visit = { ...VISIT, privileged: { kind: 'refused', text: 'insufficient_scope: admin' } }
const CONTENT_TRACES: Traces = { ...TRACES, allowed: ['add'] }

t.test('a client that did its task has no problems, with and without a step-up', async (t) => {
  t.same(findProblems(VISIT, TASK, TRACES), [])
  t.same(findProblems(CONTENT, TASK, CONTENT_TRACES), [])
  t.same(findProblems({ ...VISIT, list: 'unfiltered', tools: ['add', 'divide'] }, TASK, TRACES), [])
})

t.test('anything else is a problem, whether the client or the gateway reports it', async (t) => {
  const wrong: ReadonlyArray<readonly [what: string, visit: Visit, traces: Traces]> = [
    ['the tool is not listed', { ...VISIT, tools: [] }, TRACES],
    ['a filtered list shows too much', { ...VISIT, tools: ['add', 'divide'] }, TRACES],
    ['an unfiltered list shows too little', { ...VISIT, list: 'unfiltered' }, TRACES],
    ['another result', { ...VISIT, allowed: '43' }, TRACES],
    ['the call went past the gateway', VISIT, { ...TRACES, allowed: ['subtract'] }],
    ['the forbidden call looks like a success', { ...VISIT, forbidden: undefined }, TRACES],
    ['the forbidden call was forwarded', VISIT, { ...TRACES, allowed: [...TRACES.allowed, 'divide'] }],
    ['the forbidden call never came', VISIT, { ...TRACES, refused: TRACES.refused.slice(1) }],
    ['the forbidden call was refused for another reason', VISIT, {
      ...TRACES, refused: [['divide', 'insufficient_scope'], ['subtract', 'insufficient_scope']]
    }],
    ['nobody asked for the scope', VISIT, { ...TRACES, refused: TRACES.refused.slice(0, 1) }],
    ['the step-up led to another result', { ...VISIT, privileged: { kind: 'answered', text: '4' } }, TRACES],
    ['the client has a result that the gateway did not let through', VISIT, CONTENT_TRACES],
    ['the client was refused what the gateway let through', CONTENT, TRACES],
    [
      'the client does not say what is missing',
      { ...CONTENT, privileged: { kind: 'refused', text: 'no' } },
      CONTENT_TRACES
    ]
  ]
  for (const [what, visit, traces] of wrong) t.equal(findProblems(visit, TASK, traces).length, 1, what)
})

t.test('only revisions and transports that both speak can be tried', async (t) => {
  t.equal(decideImpossible('http', ['legacy', 'modern'], { era: 'modern' }), undefined)
  t.equal(decideImpossible('http', ['legacy'], { era: 'legacy' }), undefined)
  t.equal(decideImpossible('sse', ['legacy'], { era: 'any' }), undefined)
  t.match(decideImpossible('http', ['legacy'], { era: 'modern' }), {
    kind: 'impossible', reason: /legacy revisions only/
  })
  t.match(decideImpossible('sse', ['legacy'], { era: 'modern' }), { kind: 'impossible', reason: /2024-11-05/ })
  t.match(decideImpossible('sse', ['legacy'], { era: 'any', transport: 'http' }), {
    kind: 'impossible', reason: /cannot sign in/
  })
})

t.test('a client that has all scopes is not refused the call that needs another one', async (t) => {
  const traces: Traces = { ...TRACES, refused: [['divide', 'access_denied']] }
  t.same(findProblems(VISIT, TASK, traces, { hadAllScopes: true }), [])
  t.equal(findProblems(VISIT, TASK, traces).length, 1)
  t.equal(findProblems(VISIT, TASK, TRACES, { hadAllScopes: true }).length, 1)
})

t.test('a client that asked in vain for a scope may say no more than that', async (t) => {
  const visit: Visit = { ...CONTENT, privileged: { kind: 'refused', text: 'Unauthorized' } }
  t.equal(findProblems(visit, TASK, CONTENT_TRACES).length, 1)
  t.same(findProblems(visit, TASK, CONTENT_TRACES, { refusal: REFUSAL_AFTER_ALL }), [])
})

t.test('which clients an authorization server knows, and which get all scopes at once', async (t) => {
  const server = { registration: 'dynamic', told: 'none' } as const
  const byHand = { registration: 'by hand', told: 'none' } as const
  t.equal(decideUnknown(undefined, {}), undefined)
  t.equal(decideUnknown(server, {}), undefined)
  t.equal(decideUnknown({ ...server, told: 'all' }, { untold: 'an empty list' }), undefined)
  t.equal(decideUnknown(byHand, { takes: 'a client id and scopes' }), undefined)
  t.match(decideUnknown(byHand, { takes: 'a client id' }), { kind: 'impossible', reason: /not which scopes/ })
  t.match(decideUnknown(byHand, {}), { kind: 'impossible' })
  t.match(decideUnknown(server, { untold: 'an empty list' }), { kind: 'impossible' })

  const greedy = { untold: 'all of the authorization server' } as const
  t.equal(hasAllScopes(undefined, greedy), false)
  t.equal(hasAllScopes({ ...server, told: 'the first' }, greedy), false)
  t.equal(hasAllScopes({ ...server, told: 'all' }, {}), true)
  t.equal(hasAllScopes(server, greedy), true)
  t.equal(hasAllScopes(server, {}), false)
  t.equal(hasAllScopes(byHand, greedy), false, 'it is told the scopes with its client id')
})
