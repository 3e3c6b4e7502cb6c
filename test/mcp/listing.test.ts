import fc from 'fast-check'
import t from 'tap'
import {
  filterListing, holdsNoList, holdsNoMessage, isListMethod, listedTools, readListing, UnreadableList,
  type ListFilter
} from '../../src/mcp/listing.js'
import type { Operation } from '../../src/policy/policy.js'

const EVERYTHING: ListFilter = { isAllowed: () => true, isModern: false }
const NOTHING: ListFilter = { isAllowed: () => false, isModern: false }

/** Allows what the names list. */
function only (...names: string[]): ListFilter {
  return { isAllowed: (operations) => names.includes(operations[1]?.target?.name ?? ''), isModern: false }
}

function filterBytes (message: Buffer, by: ListFilter): Buffer {
  return filterListing(readListing(message), by)
}

function filter (text: string, by: ListFilter): string {
  return filterBytes(Buffer.from(text), by).toString()
}

t.test('denied entries leave, and every other byte stays', async (t) => {
  const cases: ReadonlyArray<readonly [entries: string, kept: string, ...names: string[]]> = [
    ['{"name":"a"}', '{"name":"a"}', 'a'],
    ['{"name":"a"}, {"name":"b"},\n {"name":"c"} ', '{"name":"b"} ', 'b'],
    ['{"name":"a"}, {"name":"b"},\n {"name":"c"} ', '{"name":"a"}, {"name":"c"} ', 'a', 'c'],
    [' {"name":"a"}, {"name":"b"}, {"name":"c"}\t', ' {"name":"a"}\t', 'a'],
    [' {"name":"a"}, {"name":"b"}, {"name":"c"}\t', ' {"name":"c"}\t', 'c'],
    [' {"name":"a"} , {"name":"b"} ', '  '],
    ['{"name":"a"},{"name":"b"},{"name":"a"}', '{"name":"a"},{"name":"a"}', 'a'],
    ['', ''],
    ['{"x":1.50,"name":"\\u0061","n":12345678901234567890},{"name":"b"}', '{"x":1.50,"name":"\\u0061","n":12345678901234567890}', 'a']
  ]
  for (const [entries, kept, ...names] of cases) {
    const around = (list: string): string => `{ "id":1e0,"result" : {"nextCursor":"b","tools":[${list}],"_meta":{"b":[{"name":"b"}]}},"jsonrpc":"2.0"}\n`
    t.equal(filter(around(entries), only(...names)), around(kept))
  }
})

t.test('each kind of list is judged by the operation that its entries are there for', async (t) => {
  const asked: (readonly Operation[])[] = []
  const response = '{"result":{"tools":[{"name":"t"}],"resources":[{"name":"n","uri":"r://1"}],"resourceTemplates":[{"name":"n","uriTemplate":"r://{id}"}],"prompts":[{"name":"p"}]}}'
  filter(response, { isModern: false, isAllowed: (operations) => asked.push(operations) > 0 })
  t.strictSame(asked, [
    [{ method: 'tools/call' }, { method: 'tools/call', target: { kind: 'tools', name: 't' } }],
    [{ method: 'resources/read' }, { method: 'resources/read', target: { kind: 'resources', name: 'r://1' } }],
    [{ method: 'resources/read' }, { method: 'resources/read', target: { kind: 'resources', name: 'r://{id}' } }],
    [{ method: 'prompts/get' }, { method: 'prompts/get', target: { kind: 'prompts', name: 'p' } }]
  ])
  t.equal(filter(response, NOTHING), '{"result":{"tools":[],"resources":[],"resourceTemplates":[],"prompts":[]}}', 'never null')
})

t.test('what is no list comes back as the same buffer', async (t) => {
  for (const text of [
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{"tools":[{"name":"t"}]}}}',
    '{"jsonrpc":"2.0","id":null,"result":null,"error":{"code":1,"message":"no"}}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"tools":[{"name":"t"}]}}',
    '{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"tools":[{"name":"t"}]}}',
    '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{}}}',
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\\"tools\\":[]}"}],"structuredContent":{"tools":[{"name":"t"}]}}}',
    '{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{},"prompts":{}}}}',
    '{"jsonrpc":"2.0","id":1,"result":{"tools":null}}',
    '{}'
  ]) {
    const bytes = Buffer.from(text)
    t.equal(filterBytes(bytes, { ...NOTHING, isModern: true }), bytes, text)
  }
})

t.test('a list that two readers may read differently, or that is no list, is refused', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'a duplicate result': '{"result":{"tools":[]},"result":{"tools":[{"name":"t"}]}}',
    'a duplicate list': '{"result":{"tools":[],"tools":[{"name":"t"}]}}',
    'a duplicate name': '{"result":{"tools":[{"name":"a","name":"t"}]}}',
    'a duplicate far below': '{"result":{"tools":[{"name":"a","inputSchema":{"x":{"y":1,"y":2}}}]}}',
    'another spelling of result': '{"Result":{"tools":[{"name":"t"}]}}',
    'another spelling of tools': '{"result":{"TOOLS":[{"name":"t"}]}}',
    'a spelling that Unicode folds': '{"result":{"toolſ":[{"name":"t"}]}}',
    'a spelling with an escape': '{"result":{"\\u0074ools":[{"name":"t"}]}}',
    'snake case': '{"result":{"resource_templates":[{"uriTemplate":"t"}]}}',
    'another spelling of name': '{"result":{"tools":[{"name":"a","Name":"t"}]}}',
    'a prototype': '{"result":{"__proto__":{"tools":[{"name":"t"}]}}}',
    'half a surrogate pair in a name': '{"result":{"tools":[{"name":"\\ud800"}]}}',
    'an object as the list': '{"result":{"tools":{"t":{}}}}',
    'a list as the result': '{"result":[{"name":"t"}]}',
    'a text as an entry': '{"result":{"tools":["t"]}}',
    'null as an entry': '{"result":{"tools":[null]}}',
    'an entry without a name': '{"result":{"tools":[{"title":"t"}]}}',
    'a number as a name': '{"result":{"tools":[{"name":1}]}}',
    'a resource without a uri': '{"result":{"resources":[{"name":"t"}]}}',
    'a template without a uriTemplate': '{"result":{"resourceTemplates":[{"uri":"t"}]}}',
    'a batch': '[{"result":{"tools":[{"name":"t"}]}}]',
    'a text': '"t"',
    'no JSON': '{"result":{"tools":[{"name":"t"}]}',
    'two messages': '{"result":{}}{"result":{"tools":[{"name":"t"}]}}',
    'NaN, as Python writes it': '{"result":{"tools":[{"name":"t","x":NaN}]}}',
    'nothing but a list': '[{"name":"t"}]',
    'deep nesting': `{"result":{"tools":[{"name":"t","x":${'['.repeat(600)}${']'.repeat(600)}}]}}`,
    'a byte order mark': '\ufeff{"result":{"tools":[{"name":"t"}]}}'
  }
  for (const [what, text] of Object.entries(cases)) {
    t.throws(() => filter(text, EVERYTHING), UnreadableList, what)
  }
  const latin1 = Buffer.from('{"result":{"tools":[{"name":"\u00e9"}]}}', 'latin1')
  t.throws(() => filterBytes(latin1, EVERYTHING), UnreadableList, 'bytes that are not UTF-8')
  const utf16 = Buffer.from('{"result":{"tools":[{"name":"t"}]}}', 'utf16le')
  t.throws(() => filterBytes(utf16, EVERYTHING), UnreadableList, 'UTF-16')
})

t.test('why a list is unreadable never quotes it', async (t) => {
  for (const text of ['{"result":{"tools":[{"secret":1}]}}', '{"result":{"secret":1,"secret":2}}', '{"result":{"tools":"secret"}}']) {
    try {
      filter(text, EVERYTHING)
      t.fail(text)
    } catch (error) {
      t.notMatch((error as Error).message, 'secret')
    }
  }
})

t.test('a list says that it is for one principal alone, where results say so', async (t) => {
  const modern: ListFilter = { ...EVERYTHING, isModern: true }
  t.equal(filter('{"result": {"tools":[]}}', modern), '{"result": {"cacheScope":"private","tools":[]}}')
  t.equal(filter('{"result":{"tools":[],"cacheScope":"public","ttlMs":5}}', modern), '{"result":{"tools":[],"cacheScope":"private","ttlMs":5}}')
  t.equal(filter('{"result":{"cacheScope":"public","tools":[{"name":"a"},{"name":"b"}]}}', { ...modern, isAllowed: only('b').isAllowed }), '{"result":{"cacheScope":"private","tools":[{"name":"b"}]}}')
  t.equal(filter('{"result":{"tools":[{"name":"a"},{"name":"b"}],"cacheScope":"public"}}', { ...modern, isAllowed: only('a').isAllowed }), '{"result":{"tools":[{"name":"a"}],"cacheScope":"private"}}')
  t.equal(filter('{"result":{"cacheScope":null,"prompts":[]}}', modern), '{"result":{"cacheScope":"private","prompts":[]}}')
  t.equal(filter('{"result":{"cacheScope" :"private","tools":[]}}', modern), '{"result":{"cacheScope" :"private","tools":[]}}')
  t.equal(filter('{"result":{"cacheScope":"\\u0070rivate","tools":[]}}', modern), '{"result":{"cacheScope":"\\u0070rivate","tools":[]}}')
  t.equal(filter('{"result":{"tools":[]}}', EVERYTHING), '{"result":{"tools":[]}}', 'a legacy result gets no new member')
  t.equal(filter('{"result":{"tools":[],"cacheScope":"public"}}', EVERYTHING), '{"result":{"tools":[],"cacheScope":"private"}}', 'but does not say the opposite')
  t.equal(filter('{"result":{"contents":[],"cacheScope":"public"}}', modern), '{"result":{"contents":[],"cacheScope":"private"}}', 'what is no list is as private')
  t.equal(filter('{"result":{"contents":[]}}', modern), '{"result":{"contents":[]}}', 'but gets no new member')
})

t.test('the tools of a message are those of its list, each with the text of its entry', async (t) => {
  const entries = ['{"name":"a"}', '{ "x":1.0, "name":"\\u0062" }']
  const message = `{"result":{"prompts":[{"name":"p"}],"tools":[ ${entries.join(' , ')} ]},"params":{"tools":[{"name":"c"}]}}`
  const tools = listedTools(readListing(Buffer.from(message)))
  t.strictSame(tools.map(({ name, json }) => [name, json.toString()]), [['a', entries[0]], ['b', entries[1]]])
  for (const other of ['{"result":{}}', '{"error":{"code":1}}', '{"method":"m"}']) {
    t.strictSame(listedTools(readListing(Buffer.from(other))), [], other)
  }
})

t.test('only text without brackets and braces cannot be a message', async (t) => {
  for (const text of ['', 'ping', '2026-01-01T00:00:00Z', 'null', '"tools"']) t.ok(holdsNoMessage(Buffer.from(text)), text)
  for (const text of ['{', '\ufeff{}', '/**/ []', 'data {"result":1}']) t.notOk(holdsNoMessage(Buffer.from(text)), text)
})

t.test('the four list methods are lists, and no others', async (t) => {
  for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) t.ok(isListMethod(method), method)
  for (const method of ['tools/call', 'tools/List', 'roots/list', 'tasks/list', 'constructor', '']) t.notOk(isListMethod(method), method)
})

const MEMBERS = [['tools', 'name'], ['resources', 'uri'], ['resourceTemplates', 'uriTemplate'], ['prompts', 'name']] as const

const entries = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.boolean(), fc.object({ withBigInt: false })), { maxLength: 8 })
const spacing = fc.constantFrom(undefined, 1, '\t')

t.test('a filter that allows everything returns the same bytes', async () => {
  fc.assert(fc.property(entries, fc.constantFrom(...MEMBERS), spacing, (entries, [member, key], space) => {
    const list = entries.map(([name, , more]) => ({ extra: more, [key]: name }))
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { [member]: list, nextCursor: 'x' } }, null, space))
    return filterBytes(bytes, EVERYTHING) === bytes
  }))
})

t.test('P9: what is left is the list of what is allowed, in its order, for whoever parses it', async (t) => {
  const member = fc.constantFrom(...MEMBERS)
  const isModern = fc.boolean()
  fc.assert(fc.property(entries, member, spacing, isModern, (entries, [member, key], space, isModern) => {
    const list = entries.map(([name, , more], index) => ({ extra: more, [key]: `${index} ${name}` }))
    const response = { jsonrpc: '2.0', id: 1, result: { before: 1, [member]: list, after: { [member]: list } } }
    const isKept = (name: string): boolean => entries[Number.parseInt(name)]?.[1] === true
    const filtered = filterBytes(Buffer.from(JSON.stringify(response, null, space)), {
      isModern, isAllowed: (operations) => isKept(operations[1]?.target?.name as string)
    })
    const expected = { ...response, result: { ...(isModern ? { cacheScope: 'private' } : {}), ...response.result, [member]: list.filter((_, index) => entries[index]?.[1]) } }
    return JSON.stringify(JSON.parse(filtered.toString())) === JSON.stringify(expected)
  }))
  t.pass()
})

t.test('only bytes that no reader could take for a list are not read', async (t) => {
  for (const text of ['', 'tools', '{"result":{"content":[{"type":"text","text":"a\\n\\"b\\""}]}}', '{"method":"notifications/progress"}']) {
    t.ok(holdsNoList(Buffer.from(text)), text)
  }
  const names = ['tools', 'Tools', 'TOOLS', 'to_ols', 't-ools', 'tools\\n', 'too l s', 'tool\u017f', '\uff54ools', 'to\u200bols', '\\u0074ools', 'resources', 'resourceTemplates', 'resource_templates', 'prompts', 'pro-mpts', 'cacheScope', 'cache_scope']
  for (const name of names) t.notOk(holdsNoList(Buffer.from(`{"result":{"${name}":[]}}`)), name)
  t.notOk(holdsNoList(Buffer.from('{"result":{"tools":[]}}', 'utf16le')), 'UTF-16')
})
