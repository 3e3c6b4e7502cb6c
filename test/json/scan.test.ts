import t from 'tap'
import { JsonError, type JsonErrorKind } from '../../src/json/error.js'
import { scan } from '../../src/json/scan.js'
import { compileShape } from '../../src/json/shape.js'

const LIMITS = { maxDepth: 64 }
const MESSAGE = compileShape({
  id: 'span',
  method: 'string',
  params: { name: 'string', uris: 'strings', resourceSubscriptions: 'strings', task: 'span', _meta: { 'a.b/version': 'string' } },
  tools: [{ name: 'string' }]
})

function pick (text: string) {
  return scan(Buffer.from(text), MESSAGE, LIMITS)
}

function membersOf (text: string) {
  const value = pick(text)
  if (value.type !== 'object') throw new Error('no object')
  return value.members
}

function problemOf (text: string, maxDepth = 64): JsonError | undefined {
  try {
    scan(Buffer.from(text), MESSAGE, { maxDepth })
    return undefined
  } catch (error) {
    if (error instanceof JsonError) return error
    throw error
  }
}

function kindOf (text: string, maxDepth = 64): JsonErrorKind | undefined {
  return problemOf(text, maxDepth)?.kind
}

t.test('the members that the shape names are picked, wherever they stand', async (t) => {
  const text = '{ "x": {"method": "no"}, "params": {"arguments": {"name": "no"}, "name": "a\\u00e9\\n", "_meta": {"a.b/version": "v", "c": 1}, "uris": ["é", "\\"", ""]}, "method": "m", "id": 12345678901234567890 }'
  const { id, method, params } = membersOf(text)
  t.match(method, { type: 'string', value: 'm' })
  t.match(params, {
    type: 'object',
    members: { name: { value: 'aé\n' }, uris: { type: 'array', values: ['é', '"', ''] }, _meta: { members: { 'a.b/version': { value: 'v' } } } }
  })
  t.equal(Buffer.from(text).toString('utf8', id?.start, id?.end), '12345678901234567890')
})

t.test('offsets count bytes', async (t) => {
  const bytes = Buffer.from('{"世":"界","id":"é","task":{"b":[1, 2]}}')
  const value = scan(bytes, compileShape({ id: 'span', task: 'span' }), LIMITS)
  if (value.type !== 'object') throw new Error('no object')
  const { id, task } = value.members
  t.equal(bytes.toString('utf8', id?.start, id?.end), '"é"')
  t.equal(bytes.toString('utf8', task?.start, task?.end), '{"b":[1, 2]}')
})

t.test('a value of another type than wanted is reported with its type', async (t) => {
  for (const [json, type] of [['1', 'number'], ['null', 'null'], ['true', 'boolean'], ['false', 'boolean'], ['[]', 'array'], ['{}', 'object']]) {
    t.match(membersOf(`{"method":${json}}`).method, { type, value: undefined })
  }
  t.strictSame(membersOf('{"params":[{"name":"x"}]}').params, { type: 'array', start: 10, end: 24 })
  t.match(membersOf('{"params":{"uris":["a",1]}}'), { params: { members: { uris: { type: 'array', values: undefined } } } })
  t.match(membersOf('{"params":{"uris":"a"}}'), { params: { members: { uris: { type: 'string', values: undefined } } } })
  t.equal(pick('["method"]').type, 'array')
})

t.test('every object of an array is picked from, and other elements are reported', async (t) => {
  const { tools } = membersOf('{"tools":[{"name":"a","x":{"name":"no"}},{},7,{"name":1}]}')
  if (tools?.type !== 'array') throw new Error('no array')
  t.match(tools.elements.map((element) => element.type === 'object' ? element.members.name : element), [{ value: 'a' }, undefined, { type: 'number' }, { type: 'number' }])
  t.equal(tools.elements.length, 4)
})

t.test('what the document does not hold is undefined, inherited names included', async (t) => {
  const value = scan(Buffer.from('{}'), compileShape({ constructor: 'string', toString: 'string', valueOf: 'span' }), LIMITS)
  if (value.type !== 'object') throw new Error('no object')
  t.equal(value.members.constructor, undefined)
  t.equal(value.members.toString, undefined)
  t.equal(value.members.valueOf, undefined)
})

t.test('a name that occurs twice is refused at any depth and however it is spelled', async (t) => {
  const twice = [
    '{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":1,"b":2,"a":3}', '{"a":1,"\\u0061":2}', '{"\\u0061":1,"a":2}', '{"\\u0061":1,"\\u0061":2}',
    '{"é":1,"\\u00e9":2}', '{"\\u00E9":1,"\\u00e9":2}', '{"😀":1,"\\ud83d\\ude00":2}', '{"a\\/b":1,"a/b":2}', '{"\\u0022":1,"\\"":2}', '{"":1,"":2}',
    '{"x":[{"y":{"a":1,"a":2}}]}', '{"params":{"arguments":{"a":1,"a":2}}}', '{"params":{"name":"a","name":"b"}}', '{"method":"a","method":"b"}',
    '[{"a":1},{"a":1,"a":1}]', '{"a":{"b":1},"c":{"b":1},"a":1}', '{"a":1,"b":{"a":1,"c":{"a":1}},"a":1}', '{"__proto__x":1,"__proto__x":1}'
  ]
  for (const text of twice) t.equal(kindOf(text), 'duplicate', text)
  for (const text of ['{"x":{"a":1},"y":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":{"a":{"a":1}}}', '{"a":"a","b":"a"}', '{"é":1,"e\u0301":2}']) {
    t.equal(kindOf(text), undefined, text)
  }
})

t.test('a name that occurs twice is found in objects of every size, at every place', async (t) => {
  for (let size = 2; size < 60; size++) {
    const names = Array.from({ length: size }, (_, index) => `"n${index}":0`)
    t.equal(kindOf(`{"x":{${names.join(',')}}}`), undefined, `${size} names`)
    for (const first of [0, (size - 1) >> 1, size - 2]) {
      const last = names.with(size - 1, names[first] as string)
      t.equal(kindOf(`{"x":{${last.join(',')}},"y":0}`), 'duplicate', `${first} again after ${size}`)
    }
    const late = names.with(size - 1, '"\\u006e0":0')
    t.equal(kindOf(`{"x":{${late.join(',')}}}`), 'duplicate', `0 again with an escape after ${size}`)
  }
})

t.test('long names are compared as a whole', async (t) => {
  const long = 'x'.repeat(200)
  t.equal(kindOf(`{"${long}a${long}":1,"${long}b${long}":1}`), undefined)
  t.equal(kindOf(`{"${long}a${long}":1,"${long}a${long}":1}`), 'duplicate')
})

t.test('a name that another reader takes for one of the shape is refused', async (t) => {
  const objects = [
    '{"Method":"x"}', '{"METHOD":"x"}', '{"\\u006dethod":"x"}', '{"\\u004dethod":"x"}', '{"meth\\u006fd":"x"}', '{"method\\u0000":"x"}', '{"Method\\u0000y":"x"}',
    '{"paramſ":{}}', '{"PARAM\u017f":{}}', '{"param\\u017f":{}}', '{"tool\\u017F":[]}', '{"ıd":1}', '{"İd":1}', '{"\\u0131D":1}', '{"ｍethod":"x"}',
    '{"meth_od":"x"}', '{"_method":"x"}', '{"me-thod":"x"}', '{"met\u00adhod":"x"}', '{"method ":"x"}', '{" method":"x"}', '{"method\\t":"x"}', '{"method\u3000":"x"}', '{"method\u200b":"x"}',
    '{"params":{"Name":"x"}}', '{"params":{"URIS":[]}}', '{"params":{"tas\u212a":1}}', '{"params":{"tas\\u212A":1}}', '{"params":{"_META":{}}}',
    '{"params":{"meta":{}}}', '{"params":{"resource_subscriptions":[]}}', '{"params":{"resource_Subscription\u017f":[]}}',
    '{"params":{"_meta":{"a.b/Version":"v"}}}', '{"tools":[{"name":"a"},{"NAME":"b"}]}',
    '{"method":"x","Method":"y"}', '{"Method":"y","method":"x"}'
  ]
  for (const text of objects) t.equal(kindOf(text), 'lookalike', Buffer.from(text).toString('latin1'))
})

t.test('a member that becomes a prototype is refused where members are read from', async (t) => {
  for (const text of ['{"__proto__":{"method":"x"}}', '{"params":{"__proto__":{"name":"x"}}}', '{"params":{"\\u005f_proto__":{"name":"x"}}}']) {
    t.equal(kindOf(text), 'lookalike', text)
  }
  t.equal(kindOf('{"params":{"arguments":{"__proto__":{}}}}'), undefined)
})

t.test('names that only resemble the shape are left alone', async (t) => {
  const objects = [
    '{"methods":1,"metho":1,"m":1,"":1,"ethod":1,"mÉthod":1,"m\\u00e9thod":1}', '{"x":{"Method":1,"METHOD":1,"\\u006dethod":1}}',
    '{"params":{"arguments":{"Name":1,"meta":1,"\\u006eame":1},"method":1,"id_":1}}', '{"params":{"_meta":{"version":1,"progressToken":1}}}', '{"na\\u006de":1}'
  ]
  for (const text of objects) t.equal(kindOf(text), undefined, Buffer.from(text).toString('latin1'))
})

t.test('half a surrogate pair is refused in names and in picked strings, and left alone elsewhere', async (t) => {
  const refused = [
    '{"x":{"\\ud800":1}}', '{"\\udc00":1}', '{"a\\ud800b":1}', '{"\\ud800\\ud800":1}', '{"\\udc00\\ud800":1}', '{"method":"\\ud800"}', '{"method":"a\\uDfffb"}',
    '{"params":{"uris":["a","\\ud83d"]}}', '{"params":{"name":"\\ud83d\\u0041"}}'
  ]
  for (const text of refused) t.equal(kindOf(text), 'surrogate', text)
  for (const text of ['{"x":"\\ud800"}', '["\\udc00"]', '{"id":"\\ud800"}', '{"method":"\\ud83d\\ude00"}', '{"\\ud83d\\ude00":1}']) {
    t.equal(kindOf(text), undefined, text)
  }
})

t.test('objects and arrays nested beyond the limit are refused, at the limit accepted', async (t) => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"a":', '}]']] as const) {
    const levels = open.length === 6 ? 2 : 1
    const nest = (depth: number) => open.repeat(depth / levels) + '0' + close.repeat(depth / levels)
    t.equal(kindOf(nest(64)), undefined)
    t.equal(kindOf(nest(64 + levels)), 'depth')
  }
  t.equal(kindOf('[[],[],[[]],{"a":[]}]', 3), undefined, 'siblings do not add up')
  t.equal(kindOf('{}', 0), 'depth')
  t.equal(kindOf('['.repeat(4_000_000), 1000), 'depth')
  t.throws(() => scan(Buffer.from('{}'), MESSAGE, { maxDepth: 1001 }), RangeError)
})

t.test('a wanted array of strings holds at most a thousand', async (t) => {
  const array = (length: number) => `{"params":{"uris":[${Array(length).fill('""').join(',')}]}}`
  t.equal(kindOf(array(1000)), undefined)
  t.equal(kindOf(array(1001)), 'count')
  t.equal(kindOf(array(1001).replace('uris', 'other')), undefined)
})

t.test('the outermost members are told with a problem only when they are unambiguous', async (t) => {
  t.match(problemOf('{"params":{"a":1,"a":2},"id":7}'), { kind: 'duplicate', members: { id: { type: 'number', start: 29, end: 30 } } })
  t.match(problemOf('{"id":7,"params":{"Name":"x"}}'), { kind: 'lookalike', members: { id: { type: 'number' } } })
  t.match(problemOf('{"id":7,"params":{"name":"\\ud800"}}'), { kind: 'surrogate', members: { id: { type: 'number' } } })
  const untold = [
    '{"id":7,"id":8}', '{"id":7,"ID":8}', '{"id":7,"a":1,"a":1}', '{"params":{"a":1,"a":2},"id":7,"id":8}', '{"params":{"a":1,"a":2},"id":7,"Id":8}',
    '{"id":7,"params":{"a":1,"a":2}', '{"id":7,"params":{"a":1,"a":2}}}', '[{"id":7,"id":8}]'
  ]
  for (const text of untold) t.match(problemOf(text), { members: undefined }, text)
  t.match(problemOf('{"a":{"b":1,"b":2},"Method":1,"x":0,"x":0}'), { kind: 'duplicate', offset: 12 }, 'the first problem is told')
  t.equal(kindOf('{"id":7,"params":{"a":1,"a":2}'), 'syntax', 'bytes that are no JSON outrank what precedes')
})

t.test('a shape whose own names could be taken for each other cannot be made', async (t) => {
  t.throws(() => compileShape({ meta: 'span', _meta: 'span' }), TypeError)
  t.throws(() => compileShape({ a: { name: 'span', Name: 'span' } }), TypeError)
})

t.test('hostile bodies of four mebibytes take linear time', async (t) => {
  const fill = (unit: (index: number) => string, count: number) => Array.from({ length: count }, (_, index) => unit(index)).join(',')
  const bodies: Record<string, string> = {
    'distinct names': `{"x":{${fill((index) => `"${index.toString(36)}":0`, 400_000)}}}`,
    'names that are array indexes': `{"x":{${fill((index) => `"${index * 131_072}":0`, 250_000)}}}`,
    'long names that differ in the middle': `{"x":{${fill((index) => `"${'a'.repeat(8192)}${1000 + index}${'a'.repeat(8192)}":0`, 255)}}}`,
    'one duplicate after another': `{${fill(() => '"a":0', 600_000)}}`,
    'objects with escaped names': `[${fill(() => '{"\\u0061":0}', 300_000)}]`,
    'a name that folds to much more': `{"${'\ufdfa'.repeat(1_300_000)}":0}`,
    'one escape after another': `{"method":"${'\\u0041'.repeat(650_000)}"}`
  }
  for (const [what, body] of Object.entries(bodies)) {
    const started = process.cpuUsage()
    kindOf(body)
    const { user, system } = process.cpuUsage(started)
    // Quadratic time would take minutes; the bound only has to tell it from a slow machine.
    t.ok((user + system) / 1e6 < 5, what)
  }
})
