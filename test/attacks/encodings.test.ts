// Bytes that mean one text to the gateway and another to the upstream: byte order marks, UTF-16, overlong
// UTF-8, half surrogate pairs, and the same method spelled with escapes. Fell for it: filters that decode
// leniently in front of parsers that do not (RFC 3629 §10 on overlong forms; Nicolas Seriot's "Parsing JSON
// is a minefield"); Python's json.loads detects UTF-16 and UTF-32 by itself. It fails here because a body is
// strict UTF-8 without a mark (M1), and names are compared after unescaping (M3).
import t from 'tap'
import { findMisled } from '../helpers/naive-json.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

function call (name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'), Buffer.from(name as string), Buffer.from('"}}')])
}

t.test('M1: a body in another encoding, or with a byte order mark, is refused', async (t) => {
  const scene = await startScene(t)
  const utf16 = Buffer.from(FORBIDDEN_CALL, 'utf16le')
  const bodies: Record<string, Buffer> = {
    'UTF-8 with a byte order mark': Buffer.from('\ufeff' + PERMITTED_CALL),
    'two marks': Buffer.from('\ufeff\ufeff' + PERMITTED_CALL),
    'a mark after white space': Buffer.from(' \ufeff' + PERMITTED_CALL),
    'a mark at the end': Buffer.from(PERMITTED_CALL + '\ufeff'),
    'UTF-16, little-endian': utf16,
    'UTF-16, little-endian, with a mark': Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]),
    'UTF-16, big-endian': Buffer.from(utf16).swap16(),
    'UTF-16, big-endian, with a mark': Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]),
    'UTF-32': Buffer.from([...FORBIDDEN_CALL].flatMap((character) => [character.charCodeAt(0), 0, 0, 0])),
    'UTF-8, then UTF-16': Buffer.concat([Buffer.from(PERMITTED_CALL), utf16]),
    'UTF-7': Buffer.from('+AHs-' + PERMITTED_CALL.slice(1)),
    'Latin-1': call(Buffer.from('caf\xe9', 'latin1')),
    'an overlong solidus': Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools\xc0\xafcall","params":{"name":"delete_todo"}}', 'latin1'),
    'an overlong quote': call(Buffer.from('list_todos\xc0\xa2,"x":"', 'latin1')),
    'an overlong NUL': call(Buffer.from('list_todos\xc0\x80', 'latin1')),
    'an encoded surrogate': call(Buffer.from([0xed, 0xa0, 0x80])),
    'a code point beyond Unicode': call(Buffer.from([0xf4, 0x90, 0x80, 0x80])),
    'a character cut off': call(Buffer.from([0xe2, 0x82])),
    'a continuation byte alone': call(Buffer.from([0x80])),
    'the byte 0xFF': call(Buffer.from([0xff]))
  }
  for (const [name, body] of Object.entries(bodies)) {
    await refuses(t, scene, name, { token: scene.token, body }, { status: 400, code: -32700 })
  }
  t.ok(findMisled(utf16, undefined).length > 0, 'a reader that detects the encoding would have run it')
  await stillWorks(t, scene)
})

t.test('half surrogate pairs in what is decided or in a name are refused', async (t) => {
  const scene = await startScene(t, { config: { policy: { tools: { '*': true }, methods: { '*': true } } } })
  for (const half of ['\\ud800', '\\udc00', '\\ud83d\\ud83d', '\\ude00\\ud83d']) {
    await refuses(t, scene, `${half} in a tool's name`, { token: scene.token, body: call(`list${half}_todos`) }, { status: 400, code: -32600 })
    await refuses(t, scene, `${half} in the method`, { token: scene.token, body: `{"jsonrpc":"2.0","id":1,"method":"x${half}"}` }, { status: 400, code: -32600 })
    await refuses(t, scene, `${half} in a member's name`, { token: scene.token, body: `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"name${half}":1}}` }, { status: 400, code: -32600 })
  }
  await stillWorks(t, scene)
})

t.test('a method or name that is spelled with escapes is decided as what it spells', async (t) => {
  const scene = await startScene(t)
  const request = (body: string): { token: string, body: string } => ({ token: scene.readToken, body })
  for (const [method, name] of [['tools\\u002fcall', 'delete_todo'], ['tools\\/call', 'delete\\u005Ftodo'], ['\\u0074ools/call', '\\u0064elete_todo']]) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"name":"${name}"}}`
    await refuses(t, scene, body, request(body), { status: 403, code: 403 })
  }
  await permits(t, scene, 'a permitted one', request('{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall","params":{"name":"list\\u005ftodos"}}'))
})
