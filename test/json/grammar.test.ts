import t from 'tap'
import { JsonError } from '../../src/json/error.js'
import { scan } from '../../src/json/scan.js'
import { compileShape } from '../../src/json/shape.js'

const NOTHING = compileShape({})

function outcomeOf (bytes: Buffer): string {
  try {
    scan(bytes, NOTHING, { maxDepth: 64 })
    return 'accepted'
  } catch (error) {
    if (error instanceof JsonError) return error.kind
    throw error
  }
}

/** Returns a text as the name of a test: TAP ends a line at characters that JSON does not escape. */
function show (text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (char) => `<${char.charCodeAt(0).toString(16)}>`)
}

function parses (bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

// Every text is tried as a document, in an array and as a member, so that a value ends in each context.
const VALUES = [
  'null', 'true', 'false', '0', '-0', '1', '-1', '10', '123456789012345678901234567890', '0.1', '-0.0', '1.50', '0e0', '1e1',
  '1E1', '1e+1', '1e-1', '1.5E-300', '1e999999', '-1e-999999', '0.00000000000000000000000000000000000000000001', '9007199254740993',
  '""', '"a"', '" "', '"/"', '"\\/"', '"\\""', '"\\\\"', '"\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\u001f"', '"\\u00e9"', '"\\uABCD"',
  '"\\uabcd"', '"\\uD83D\\uDE00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud800x"', '"\x7f"', '"é"', '"世界"', '"😀"', '"\u2028\u2029"',
  '"\ufeff"', '"\u{10ffff}"', '"\ufdd0"', '"\\\\u0041"', '"null"', '"{}"', '"//"', '"/* */"',
  '[]', '[ ]', '[[]]', '[0]', '[0,0]', '[[],[],{}]', '[null,true,false]', '["a","a"]',
  '{}', '{ }', '{"":0}', '{"a":{}}', '{"a":[],"b":[]}', '{"a":{"a":{"a":0}}}', '{"a":0,"A":0}', '{"a":0,"a ":0}', '{"\\u0000":0}',
  '{"a":{"__proto__":{}}}', '{"constructor":0,"toString":0,"hasOwnProperty":0}', '{"é":0,"e\u0301":0}', '{"0":0,"00":0,"1":0}'
]

const SPACED = ['\t1', '1\n', '\r\n1\r\n', ' \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n', ' { "a" : 1 , "b" : 2 } ']

const NO_JSON = [
  '', ' ', '\n', 'nul', 'nulll', 'NULL', 'True', 'tru', 'fals', 'falsee', 'undefined', 'NaN', 'Infinity', '-Infinity', '-', '+', '+1',
  '01', '-01', '00', '1.', '.1', '-.1', '1.e1', '1e', '1E', '1e+', '1e-', '1e1.5', '1ee1', '1_000', '1,', '0x1', '0b1', '1n', '1 2',
  '-a', '- 1', '1.2.3', '１', '"', '"a', '"\\', '"\\"', '"\\a"', '"\\x41"', '"\\u"', '"\\u1"', '"\\u12"', '"\\u123"', '"\\u123g"',
  '"\\U0041"', '"\\u+041"', '"\\u 041"', '"\\\'"', '"\\0"', '"\\\n"', '"\n"', '"\t"', '"\0"', '"\x1f"', '\'a\'', '`a`', 'a', '"a"b', '"a""b"',
  '"a" "b"', '\\u0022a"',
  '[', ']', '[,', '[,]', '[1', '[1,', '[1,]', '[,1]', '[1,,2]', '[[1,]', '[[1],', '[{"a":1,]', '[1 2]', '[1:2]', '[1}', '[1]]', '[1]x', '[1],', '["a"', '["a",', '["a"}',
  '[-]', '[1.]', '[nul]', '[\v]', '[\f]', '[\u00a0]', '[\u2028]', '[1\0]', '[*]', '[...[]]', '[#]',
  '{', '}', '{,', '{,}', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":{"b":1,}', '{"a":[1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a" 1}', '{"a"::1}', '{"a":1 "b":2}',
  '{"a",1}', '{"a":}', '{"a"}', '{a:1}', '{\'a\':1}', '{1:1}', '{null:1}', '{[]:1}', '{{}:1}', '{"a":1]', '{"a":1}}', '{"a":1}{}', '{"a":1},',
  '{"a":1}#', '{"a":1}//', '{"a":1}/**/', '/**/{}', '{"a":/**/1}', '{"a":1;"b":2}', '{"a"=1}', '{:1}', '{"a\n":1}', '{"\\x":1}', '(1)', '<a>',
  '{}\0', '\0{}', '[]\u00a0', '\u00a0[]', '\u200b1', '1\u200b', '\u2028[]', '[]\x1a', 'callback({})', ')]}\'\n{}'
]

/** [what, bytes in hexadecimal, outcome] */
const ENCODINGS: ReadonlyArray<readonly [string, string, string]> = [
  ['a byte order mark', 'efbbbf7b7d', 'encoding'],
  ['two byte order marks', 'efbbbfefbbbf31', 'encoding'],
  ['a byte order mark alone', 'efbbbf', 'encoding'],
  ['half a byte order mark', 'efbb31', 'encoding'],
  ['a byte order mark after the value', '31efbbbf', 'syntax'],
  ['UTF-16, little endian', '5b005d00', 'syntax'],
  ['UTF-16, big endian', '005b005d', 'syntax'],
  ['UTF-16 with its mark', 'fffe5b005d00', 'encoding'],
  ['UTF-32, little endian', '5b0000005d000000', 'syntax'],
  ['Latin-1 é', '22e922', 'encoding'],
  ['a lone continuation byte', '228022', 'encoding'],
  ['a continuation byte too many', '22c3a9a922', 'encoding'],
  ['a truncated sequence of two', '22c322', 'encoding'],
  ['a truncated sequence of three', '22e28222', 'encoding'],
  ['a truncated sequence of four', '22f09f9822', 'encoding'],
  ['a sequence cut by the end', '22e282', 'encoding'],
  ['an overlong slash', '22c0af22', 'encoding'],
  ['an overlong NUL', '22c08022', 'encoding'],
  ['an overlong quote', 'c0a261c0a2', 'encoding'],
  ['an overlong sequence of three', '22e080af22', 'encoding'],
  ['an overlong sequence of four', '22f08080af22', 'encoding'],
  ['a high surrogate (CESU-8)', '22eda08022', 'encoding'],
  ['a surrogate pair (CESU-8)', '22eda0bdedb88022', 'encoding'],
  ['U+110000', '22f490808022', 'encoding'],
  ['a sequence of five', '22f88888888822', 'encoding'],
  ['the byte FE', '22fe22', 'encoding'],
  ['the byte FF', '22ff22', 'encoding'],
  ['bad UTF-8 outside a string', '5be95d', 'encoding'],
  ['bad UTF-8 in a member name', '7b22e9223a317d', 'encoding'],
  ['good UTF-8 outside a string', '5bc3a95d', 'syntax'],
  ['an escape interrupted by UTF-8', '225c75c3a9303022', 'syntax'],
  ['a backslash before UTF-8', '225cc3a922', 'syntax'],
  ['U+10FFFF', '22f48fbfbf22', 'accepted'],
  ['U+FFFF', '22efbfbf22', 'accepted'],
  ['U+D7FF and U+E000', '22ed9fbfee808022', 'accepted']
]

t.test('every kind of value is accepted, alone, in an array and as a member', async (t) => {
  for (const value of VALUES) {
    for (const text of [value, `[${value}]`, `[${value},${value}]`, `{"k":${value}}`, `{"k":${value},"l":${value}}`]) {
      t.equal(outcomeOf(Buffer.from(text)), 'accepted', show(text))
    }
  }
})

t.test('white space of RFC 8259 is accepted around every token', async (t) => {
  for (const text of SPACED) t.equal(outcomeOf(Buffer.from(text)), 'accepted', show(text))
})

t.test('text that is not JSON is a syntax error', async (t) => {
  for (const text of NO_JSON) {
    t.equal(outcomeOf(Buffer.from(text)), 'syntax', show(text))
    t.equal(parses(Buffer.from(text)), false, 'and JSON.parse agrees')
  }
})

t.test('anything but strict UTF-8 without a mark is refused', async (t) => {
  for (const [what, hex, outcome] of ENCODINGS) t.equal(outcomeOf(Buffer.from(hex, 'hex')), outcome, what)
})

t.test('every prefix of a document is refused', async (t) => {
  const whole = Buffer.from('{"a":[1,-2.5e+3,"é\\u00e9\\n",true,false,null,{"b":{}}],"c":""}')
  for (let end = 0; end < whole.length; end++) t.equal(outcomeOf(whole.subarray(0, end)) === 'accepted', false, `${end} bytes`)
  t.equal(outcomeOf(whole), 'accepted')
})

t.test('an error says where and never quotes the document', async (t) => {
  const places: ReadonlyArray<readonly [Buffer, number]> = [
    [Buffer.from('{"secret":tru}'), 13], [Buffer.from('["secret", x]'), 11], [Buffer.from('[1] 2'), 4], [Buffer.from('"secret'), 7],
    [Buffer.from('{"é":"\\q"}'), 8], [Buffer.from('22610aff22', 'hex'), 3]
  ]
  for (const [bytes, offset] of places) {
    try {
      scan(bytes, NOTHING, { maxDepth: 64 })
      t.fail(`nothing found at byte ${offset}`)
    } catch (error) {
      t.match(error, { name: 'JsonError', offset, message: `at byte ${offset}` })
      t.notMatch((error as Error).message, /secret/)
    }
  }
})
