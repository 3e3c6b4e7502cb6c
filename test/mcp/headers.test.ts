import t from 'tap'
import { MessageError } from '../../src/mcp/errors.js'
import { checkHeaderAgreement, decodeHeaderValue } from '../../src/mcp/headers.js'
import { readMessage } from '../../src/mcp/message.js'

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const LEGACY = '2025-11-25'
const MODERN = '2026-07-28'
const LATER = '2027-01-01'

function flatten (headers: Headers): string[] {
  return ['Host', 'x', ...Object.entries(headers).flatMap(([name, value]) => value === undefined ? [] : [value].flat().flatMap((one) => [name, one]))]
}

/** `+` when header and body agree, otherwise the code and the id of the refusal. */
function check (body: object, headers: Headers): string {
  const message = readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...body })), { maxDepth: 64 })
  try {
    checkHeaderAgreement(message, flatten(headers))
    return '+'
  } catch (error) {
    if (error instanceof MessageError) return `${error.code} ${error.idJson ?? '-'}`
    throw error
  }
}

function call (method: string, params: object = {}, version?: string) {
  return { id: 7, method, params: { ...params, ...version !== undefined && { _meta: { 'io.modelcontextprotocol/protocolVersion': version } } } }
}

/**
 * Each row is a header's value, each column another's: `+` accepted, `-` a mismatch, `?` a version missing in
 * the body.
 */
type Matrix = ReadonlyArray<readonly [header: string | readonly string[] | undefined, row: string]>

t.test('M5: the version header and the version in the body agree', async (t) => {
  const inBody = [undefined, '', 'draft', '2025-06-18', LEGACY, MODERN, LATER]
  const requests: Matrix = [
    [undefined, '+++++--'],
    ['', '++-----'],
    ['draft', '+-+----'],
    ['2026-7-28', '+------'],
    ['2025-06-18', '+--+---'],
    [LEGACY, '+---+--'],
    [MODERN, '?----+-'],
    [LATER, '?-----+'],
    [[MODERN, MODERN], '-------'],
    [[LEGACY, LEGACY], '-------'],
    [[LEGACY, MODERN], '-------'],
    [`${MODERN}, ${MODERN}`, '+------'],
    [`${MODERN}\x80`, '-------']
  ]
  const names = { 'Mcp-Method': 'tools/call', 'Mcp-Name': 'x' }
  for (const [header, row] of requests) {
    for (const [column, version] of inBody.entries()) {
      const outcome = check(call('tools/call', { name: 'x' }, version), { 'MCP-Protocol-Version': header, ...names })
      t.equal(outcome, { '+': '+', '?': '-32602 7' }[row[column] as string] ?? '-32020 7', `${header} with ${version}`)
    }
  }
  // As for requests, but that a modern header may stand alone.
  for (const [header, row] of requests) {
    for (const [column, version] of inBody.entries()) {
      const { method, params } = call('notifications/progress', {}, version)
      const isAccepted = row[column] === '+' || (column === 0 && (header === MODERN || header === LATER))
      const outcome = check({ method, params }, { 'MCP-Protocol-Version': header })
      t.equal(outcome, isAccepted ? '+' : '-32020 -', `${header} with ${version} in a notification`)
    }
  }
})

t.test('M5: Mcp-Method and Mcp-Name are required of modern requests and agree with the body everywhere', async (t) => {
  const columns = [undefined, 'get_todo', '=?base64?Z2V0X3RvZG8=?=', 'Get_todo', 'delete_all', '', '=?base64?ZGVsZXRlX2FsbA==?=', '=?base64?Z2V0X3RvZG8?=', ['get_todo', 'get_todo']]
  const modern: Matrix = [
    [undefined, '---------'],
    ['tools/call', '-++------'],
    ['Tools/Call', '---------'],
    ['tools/list', '---------'],
    ['', '---------'],
    ['=?base64?dG9vbHMvY2FsbA==?=', '---------'],
    [['tools/call', 'tools/call'], '---------'],
    [['tools/call', 'tools/list'], '---------']
  ]
  const legacy: Matrix = [
    [undefined, '+++------'],
    ['tools/call', '+++------'],
    ...modern.slice(2)
  ]
  const matrices = [[MODERN, modern], [LATER, modern], [LEGACY, legacy], [undefined, legacy]] as const
  for (const [version, matrix] of matrices) {
    for (const [method, row] of matrix) {
      for (const [column, name] of columns.entries()) {
        const outcome = check(call('tools/call', { name: 'get_todo' }, version), { 'MCP-Protocol-Version': version, 'Mcp-Method': method, 'Mcp-Name': name })
        t.equal(outcome, row[column] === '+' ? '+' : '-32020 7', `${version}: ${method}, ${name}`)
      }
    }
  }
})

t.test('M5: Mcp-Name repeats the member that the method acts on', async (t) => {
  const params = { name: 'n', uri: 'u', taskId: 't' }
  // Columns: none, n, u, t.
  const methods: ReadonlyArray<readonly [method: string, modern: string, legacy: string]> = [
    ['tools/call', '-+--', '++--'],
    ['prompts/get', '-+--', '++--'],
    ['resources/read', '--+-', '+-+-'],
    ['resources/subscribe', '+-+-', '+-+-'],
    ['resources/unsubscribe', '+-+-', '+-+-'],
    ['tasks/get', '+--+', '+--+'],
    ['tasks/update', '+--+', '+--+'],
    ['tasks/cancel', '+--+', '+--+'],
    ['tools/list', '++++', '++++'],
    ['constructor', '++++', '++++']
  ]
  for (const [method, modern, legacy] of methods) {
    for (const [column, name] of [undefined, 'n', 'u', 't'].entries()) {
      for (const [version, row] of [[MODERN, modern], [LEGACY, legacy]] as const) {
        const outcome = check(call(method, params, version), { 'mcp-protocol-version': version, 'mcp-method': method, 'mcp-name': name })
        t.equal(outcome, row[column] === '+' ? '+' : '-32020 7', `${version}: ${method}, ${name}`)
      }
    }
  }
  t.equal(check(call('tools/call', {}, MODERN), { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'n' }), '-32020 7', 'a name that the body lacks')
  t.equal(check(call('tools/call', { name: 1 }, MODERN), { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': '1' }), '-32020 7', 'a name that is no string')
  t.equal(check(call('tools/list', {}, MODERN), { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list', 'mcp-name': '=?base64?*?=' }), '-32020 7', 'a malformed name without use')
})

t.test('M5: what the official client sends with a notification is accepted', async (t) => {
  const body = { method: 'notifications/cancelled', params: { requestId: 1 } }
  t.equal(check(body, { 'mcp-protocol-version': MODERN }), '+')
  t.equal(check(body, { 'mcp-protocol-version': MODERN, 'mcp-method': 'notifications/cancelled' }), '+')
  t.equal(check(body, { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list' }), '-32020 -')
})

t.test('M5: a call is no notification for lack of an id', async (t) => {
  const { method, params } = call('tools/call', { name: 'x' }, MODERN)
  t.equal(check({ method, params }, { 'mcp-protocol-version': MODERN }), '-32020 -')
  t.equal(check({ method, params }, { 'mcp-protocol-version': MODERN, 'mcp-method': method, 'mcp-name': 'x' }), '+')
  t.equal(check({ method, params: { name: 'x' } }, { 'mcp-protocol-version': MODERN, 'mcp-method': method, 'mcp-name': 'x' }), '-32602 -')
})

t.test('M2: a response is accepted from legacy clients only and has no headers of its own', async (t) => {
  const body = { id: 7, result: {} }
  t.equal(check(body, {}), '+')
  t.equal(check(body, { 'mcp-protocol-version': LEGACY }), '+')
  t.equal(check(body, { 'mcp-protocol-version': MODERN }), '-32600 -')
  t.equal(check(body, { 'mcp-protocol-version': LATER }), '-32600 -')
  t.equal(check(body, { 'mcp-method': 'tools/call' }), '-32020 -')
  t.equal(check(body, { 'mcp-name': 'x' }), '-32020 -')
})

t.test('reserved _meta keys without a version do not make legacy traffic modern', async (t) => {
  const body = { id: 7, method: 'tools/call', params: { name: 'x', _meta: { 'io.modelcontextprotocol/clientInfo': { name: 'c' }, 'openai/subject': 's' } } }
  t.equal(check(body, { 'mcp-protocol-version': LEGACY }), '+')
  t.equal(check(body, {}), '+')
})

t.test('header names count in any case and with underscores', async (t) => {
  const body = call('tools/call', { name: 'x' }, MODERN)
  t.equal(check(body, { 'MCP-PROTOCOL-VERSION': MODERN, 'MCP-METHOD': 'tools/call', 'MCP-NAME': 'x' }), '+')
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'x' }
  for (const extra of [{ Mcp_Name: 'y' }, { 'Mcp-Name': 'x' }, { MCP_METHOD: 'tools/list' }, { 'Mcp_Protocol-Version': LEGACY }]) {
    t.equal(check(body, { ...headers, ...extra }), '-32020 7', JSON.stringify(extra))
  }
  t.equal(check(call('tools/call', { name: 'x' }), { Mcp_Method: 'tools/list' }), '-32020 7')
})

t.test('M6: a malformed Mcp-Param value is refused under every revision', async (t) => {
  const accepted = ['us-west1', '42', '', 'a\tb', '=?base64?IHBhZGRlZCA=?=', '=?base64?bGluZTEKbGluZTI=?=', '=?base64??=', '=?BASE64?*?=', '=?base64?*', '*?=']
  const refused = ['\x80', 'caf\xe9', 'a\nb', '\x7f', '\0', '=?base64?*?=', '=?base64?=', '=?base64?YQ?=', '=?base64?/w==?=']
  for (const version of [MODERN, LEGACY, undefined]) {
    const headers = { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'x' }
    for (const [values, outcome] of [[accepted, '+'], [refused, '-32020 7']] as const) {
      for (const value of values) {
        t.equal(check(call('tools/call', { name: 'x' }, version), { ...headers, 'Mcp-Param-Region': value }), outcome, `${version}: ${JSON.stringify(value)}`)
      }
    }
  }
  t.equal(check(call('tools/call', { name: 'x' }), { 'X-Mcp-Param-A': '=?base64?*?=', 'Mcp-Params': '=?base64?*?=' }), '+', 'other headers are not looked at')
})

t.test('a value is decoded as the specification\'s examples are', async (t) => {
  const values: ReadonlyArray<readonly [encoded: string, decoded: string | undefined]> = [
    ['us-west1', 'us-west1'],
    ['=?base64?SGVsbG8sIOS4lueVjA==?=', 'Hello, 世界'],
    ['=?base64?IHBhZGRlZCA=?=', ' padded '],
    ['=?base64?bGluZTEKbGluZTI=?=', 'line1\nline2'],
    ['=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=', '=?base64?literal?='],
    ['=?base64??=', ''],
    ['', ''],
    ['=?base64?', '=?base64?'],
    ['=?base64?SGVsbG8', '=?base64?SGVsbG8'],
    ['=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
    ['=?utf-8?b?SGVsbG8=?=', '=?utf-8?b?SGVsbG8=?='],
    ['x=?base64?SGVsbG8=?=', 'x=?base64?SGVsbG8=?='],
    ['=?base64?SGVsbG8=?= ', '=?base64?SGVsbG8=?= '],
    ['=?base64?=', undefined],
    ['=?base64?SGVsbG8?=', undefined],
    ['=?base64?SGVsbG8==?=', undefined],
    ['=?base64?SGVsbG9=?=', undefined],
    ['=?base64? SGVsbG8=?=', undefined],
    ['=?base64?SGVs\tbG8=?=', undefined],
    ['=?base64?SGVs?bG8=?=', undefined],
    ['=?base64?-_-_?=', undefined],
    ['=?base64?A?=', undefined],
    ['=?base64?====?=', undefined],
    ['=?base64?6Q==?=', undefined],
    ['=?base64?wK8=?=', undefined],
    ['=?base64?7aCA?=', undefined],
    ['caf\xe9', undefined],
    ['a\r\nb', undefined],
    ['a\n', undefined]
  ]
  for (const [encoded, decoded] of values) {
    t.equal(decodeHeaderValue(encoded), decoded, JSON.stringify(encoded))
  }
})
