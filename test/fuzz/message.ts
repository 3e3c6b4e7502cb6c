import { checkHeaderAgreement } from '../../src/mcp/headers.js'
import { MessageError } from '../../src/mcp/errors.js'
import { readMessage } from '../../src/mcp/message.js'
import { operationsOf } from '../../src/mcp/operation.js'
import { compilePolicy } from '../../src/policy/compile.js'
import type { Operation, TargetKind } from '../../src/policy/policy.js'
import { NAIVE_READERS, type Reading } from '../helpers/naive-json.js'
import { headersFor, NAIVE_HEADER_READERS, type RawHeaders } from './headers.js'

/** The policy of the fuzzed gateway. It denies everything that the mutations try to reach. */
export const FUZZED_POLICY = {
  tools: { list_todos: 'todo:read', 'get_*': 'todo:read' },
  resources: { 'file:///public/*': 'todo:read' },
  prompts: { summary: true },
  methods: {},
  implies: {},
  unlisted: { tools: 'deny', resources: 'deny', prompts: 'deny' },
  filterLists: true
} as const

const SCOPES: ReadonlySet<string> = new Set(['todo:read'])
const policy = compilePolicy(FUZZED_POLICY)

/** The parts of a request that the gateway's decision depends on. */
export interface Sample {
  readonly headers: RawHeaders
  readonly body: Buffer
}

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', progressToken: 1 }

const LEGACY = [
  {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'list_todos', arguments: { a: [1, { b: 'c' }], text: 'grüße' } }
  },
  { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'file:///public/a' } },
  { jsonrpc: '2.0', id: 3, method: 'prompts/get', params: { name: 'summary', arguments: { name: 'x' } } },
  {
    jsonrpc: '2.0',
    id: 4,
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'summary' }, argument: { name: 'a', value: 'b' } }
  },
  { jsonrpc: '2.0', id: 6, method: 'tools/list', params: { cursor: 'abc' } },
  {
    jsonrpc: '2.0',
    id: 7,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  },
  { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'r' } },
  { jsonrpc: '2.0', id: 8, result: { content: { type: 'text', text: 't' } } },
  { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'delete_todo', arguments: {} } },
  { jsonrpc: '2.0', id: 10, method: 'resources/read', params: { uri: 'file:///etc/passwd' } }
]

const MODERN = [
  {
    jsonrpc: '2.0',
    id: 'x',
    method: 'tools/call',
    params: { name: 'get_todo', arguments: { todo_id: '1' }, _meta }
  },
  { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: 'file:///public/a', _meta } },
  { jsonrpc: '2.0', id: 3, method: 'prompts/get', params: { _meta, name: 'summary' } },
  {
    jsonrpc: '2.0',
    id: 5,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['file:///public/a'] }, _meta }
  },
  { jsonrpc: '2.0', id: 6, method: 'tools/list', params: { _meta } },
  { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'delete_todo', _meta } }
]

const encode = (message: object): Buffer => Buffer.from(JSON.stringify(message))

/** Real messages of both eras, most of them allowed. Mutations start from them. */
export const CORPUS: readonly Sample[] = [
  ...LEGACY.map((message) => ({ headers: [], body: encode(message) })),
  ...MODERN.map((message) => ({ headers: headersFor(message), body: encode(message) }))
]

/** Tells whether the product would forward the request. Throws any error that is not a refusal. */
export function isForwarded ({ headers, body }: Sample): boolean {
  try {
    const message = readMessage(body, { maxDepth: 64 })
    checkHeaderAgreement(message, headers)
    return policy.decide(operationsOf(message), SCOPES).effect === 'allow'
  } catch (error) {
    if (error instanceof MessageError) return false
    throw error
  }
}

export interface ForbiddenReading {
  readonly reader: string
  readonly reading: Reading
}

/**
 * Returns what a naive reader finds in a forwarded request although the policy denies it: a way past
 * the gateway. Returns undefined when no reader finds such a thing.
 */
export function findForbiddenReading ({ headers, body }: Sample): ForbiddenReading | undefined {
  const readings = [
    ...NAIVE_READERS.map(({ name, read }) => ({ reader: name, reading: read(body) })),
    ...NAIVE_HEADER_READERS.map(({ name, read }) => ({ reader: name, reading: read(headers) }))
  ]
  for (const { reader, reading } of readings) {
    if (reading === undefined) continue
    if (policy.decide(operationsOfReading(reading), SCOPES).effect === 'deny') return { reader, reading }
  }
  return undefined
}

const KINDS: Readonly<Record<string, TargetKind>> = {
  'tools/call': 'tools',
  'prompts/get': 'prompts',
  'resources/read': 'resources',
  'resources/subscribe': 'resources',
  'resources/unsubscribe': 'resources',
  'subscriptions/listen': 'resources'
}

function operationsOfReading ({ method, targets }: Reading): Operation[] {
  return [{ method }, ...targets.flatMap((name) => {
    const kind = kindOf(method, name)
    return kind === undefined ? [] : [{ method, target: { kind, name } }]
  })]
}

/** A completion refers to a prompt or to an MCP resource; with both, each counts. */
function kindOf (method: string, name: string): TargetKind | undefined {
  if (method === 'completion/complete') return name.includes('://') ? 'resources' : 'prompts'
  return Object.hasOwn(KINDS, method) ? KINDS[method] : undefined
}
