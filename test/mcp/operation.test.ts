import t from 'tap'
import { MessageError } from '../../src/mcp/errors.js'
import { readMessage } from '../../src/mcp/message.js'
import { operationsFromHeaders, operationsOf } from '../../src/mcp/operation.js'
import type { Operation, TargetKind } from '../../src/policy/policy.js'

function operationsIn (body: object): Operation[] {
  return operationsOf(readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...body })), { maxDepth: 64 }))
}

/** The code, and the id that the response would repeat. */
function refusalOf (body: object): string | undefined {
  try {
    operationsIn(body)
    return undefined
  } catch (error) {
    if (error instanceof MessageError) return `${error.code} ${error.idJson ?? '-'}`
    throw error
  }
}

function on (method: string, ...targets: Array<readonly [TargetKind, string]>): Operation[] {
  return [{ method }, ...targets.map(([kind, name]) => ({ method, target: { kind, name } }))]
}

const PROMPT = { type: 'ref/prompt', name: 'p' }
const TEMPLATE = { type: 'ref/resource', uri: 'u:{x}' }

t.test('P1: a message maps to its method and to every target that its method acts on', async (t) => {
  type Target = readonly [TargetKind, string]
  type Row = readonly [method: string, params: object | undefined, ...targets: readonly Target[]]
  const messages: readonly Row[] = [
    ['tools/call', { name: 'get_todo', uri: 'u' }, ['tools', 'get_todo']],
    ['tools/call', { name: '' }, ['tools', '']],
    ['tools/call', { name: 'constructor' }, ['tools', 'constructor']],
    ['prompts/get', { name: 'p', uri: 'u' }, ['prompts', 'p']],
    ['resources/read', { name: 'n', uri: 'file:///a b' }, ['resources', 'file:///a b']],
    ['resources/subscribe', { uri: 'u' }, ['resources', 'u']],
    ['resources/unsubscribe', { uri: 'u' }, ['resources', 'u']],
    ['completion/complete', { ref: PROMPT, name: 'n', uri: 'u' }, ['prompts', 'p']],
    ['completion/complete', { ref: TEMPLATE }, ['resources', 'u:{x}']],
    ['completion/complete', { ref: { ...PROMPT, uri: 'u' } }, ['prompts', 'p'], ['resources', 'u']],
    ['completion/complete', { ref: { ...TEMPLATE, name: 'n' } }, ['prompts', 'n'], ['resources', 'u:{x}']],
    ['subscriptions/listen', { notifications: { toolsListChanged: true } }],
    ['subscriptions/listen', { notifications: { resourceSubscriptions: [] } }],
    ['subscriptions/listen', { notifications: { resourceSubscriptions: ['a', 'b', 'a'] } }, ['resources', 'a'], ['resources', 'b'], ['resources', 'a']],
    ['tools/list', undefined], ['tools/list', { name: 'x', uri: 'u' }], ['initialize', {}], ['ping', undefined], ['logging/setLevel', { level: 'debug' }],
    ['notifications/cancelled', { requestId: 1 }], ['tasks/get', { taskId: 't' }], ['toString', { name: 'x' }], ['Tools/Call', { name: 'x' }], ['', undefined]
  ]
  for (const [method, params, ...targets] of messages) {
    t.strictSame(operationsIn({ id: 1, method, params }), on(method, ...targets), `${method} ${JSON.stringify(params)}`)
    t.strictSame(operationsIn({ method, params }), on(method, ...targets), 'and without an id')
  }
})

t.test('a response is told apart from every method that a client can choose', async (t) => {
  t.strictSame(operationsIn({ id: 1, result: {} }), [{ method: '(response)', response: true }])
  t.strictSame(operationsIn({ id: 1, error: { method: 'tools/call' } }), [{ method: '(response)', response: true }])
  t.strictSame(operationsIn({ id: 1, method: '(response)' }), [{ method: '(response)' }])
})

t.test('P1: a target that is missing or no string is invalid params, with the id of a request', async (t) => {
  const wrong = [undefined, null, 1, true, ['x'], { x: 1 }]
  const bodies = [
    ...wrong.map((name) => ({ method: 'tools/call', params: { name, uri: 'u' } })),
    ...wrong.map((name) => ({ method: 'prompts/get', params: { name, uri: 'u' } })),
    ...['resources/read', 'resources/subscribe', 'resources/unsubscribe'].flatMap((method) => wrong.map((uri) => ({ method, params: { uri, name: 'n' } }))),
    ...['tools/call', 'prompts/get', 'resources/read', 'completion/complete', 'subscriptions/listen'].map((method) => ({ method })),
    ...[...wrong, 'x', {}].map((ref) => ({ method: 'completion/complete', params: { ref, name: 'n', uri: 'u' } })),
    ...[...wrong, 'ref/tool', 'REF/PROMPT', 'ref/prompt ', ''].map((type) => ({ method: 'completion/complete', params: { ref: { ...PROMPT, uri: 'u', type } } })),
    ...wrong.map((name) => ({ method: 'completion/complete', params: { ref: { ...PROMPT, name } } })),
    ...wrong.map((uri) => ({ method: 'completion/complete', params: { ref: { ...TEMPLATE, uri } } })),
    ...[null, 1, ['x']].map((uri) => ({ method: 'completion/complete', params: { ref: { ...PROMPT, uri } } })),
    ...[null, 1, ['x']].map((name) => ({ method: 'completion/complete', params: { ref: { ...TEMPLATE, name } } })),
    { method: 'completion/complete', params: { ref: { type: 'ref/prompt', uri: 'u' } } },
    { method: 'completion/complete', params: { ref: { type: 'ref/resource', name: 'n' } } },
    ...[...wrong.slice(0, -1), 'x'].map((notifications) => ({ method: 'subscriptions/listen', params: { notifications, resourceSubscriptions: ['u'] } })),
    ...[null, 1, 'u', { 0: 'u' }, [1], ['u', null], [['u']]].map((uris) => ({ method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } }))
  ]
  for (const body of bodies) {
    t.equal(refusalOf({ id: 7, ...body }), '-32602 7', JSON.stringify(body))
    t.equal(refusalOf(body), '-32602 -', 'and without an id')
  }
})

t.test('P1: a subscription without a URI is no method of a revision that has none, whatever else it is', async (t) => {
  const params = (version: string, uri?: unknown) => ({ uri, _meta: { 'io.modelcontextprotocol/protocolVersion': version } })
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    for (const uri of [undefined, null, 1, ['u']]) {
      t.equal(refusalOf({ id: 7, method, params: params('2026-07-28', uri) }), '-32601 7')
      t.equal(refusalOf({ method, params: params('2027-01-01', uri) }), '-32601 -')
      t.equal(refusalOf({ id: 7, method, params: params('2025-11-25', uri) }), '-32602 7')
    }
    t.strictSame(operationsIn({ id: 7, method, params: params('2026-07-28', 'u') }), on(method, ['resources', 'u']), 'with a URI the policy is asked')
  }
  t.equal(refusalOf({ id: 7, method: 'resources/read', params: params('2026-07-28') }), '-32602 7', 'a method that is still there')
})

t.test('a modern request\'s headers tell the operation for the scope hint', async (t) => {
  type Row = readonly [method: string, name: string | undefined, operations: Operation[] | undefined]
  const told: readonly Row[] = [
    ['tools/call', 'get_todo', on('tools/call', ['tools', 'get_todo'])],
    ['tools/call', '=?base64?SGVsbG8sIOS4lueVjA==?=', on('tools/call', ['tools', 'Hello, 世界'])],
    ['prompts/get', 'p', on('prompts/get', ['prompts', 'p'])],
    ['resources/read', 'u:x', on('resources/read', ['resources', 'u:x'])],
    ['tools/list', undefined, on('tools/list')],
    ['tools/list', 'x', on('tools/list')],
    ['constructor', undefined, on('constructor')],
    ['tools/call', undefined, undefined],
    ['tools/call', '=?base64?****?=', undefined],
    ['tools/call', 'é', undefined],
    ['resources/subscribe', 'u:x', undefined],
    ['completion/complete', 'p', undefined],
    ['subscriptions/listen', undefined, undefined],
    ['', 'x', undefined]
  ]
  for (const [method, name, operations] of told) {
    const headers = { 'mcp-method': method, ...name !== undefined && { 'mcp-name': name } }
    t.strictSame(operationsFromHeaders({ 'mcp-protocol-version': '2026-07-28', ...headers }), operations, `${method} ${name}`)
    t.equal(operationsFromHeaders({ 'mcp-protocol-version': '2025-11-25', ...headers }), undefined)
    t.equal(operationsFromHeaders(headers), undefined)
  }
  t.equal(operationsFromHeaders({ 'mcp-protocol-version': '2026-07-28' }), undefined)
})
