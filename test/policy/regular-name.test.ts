import t from 'tap'
import { findNameOddity, findUriOddity, LONGEST_PATTERN_NAME } from '../../src/policy/regular-name.js'

t.test('ordinary names are left to patterns', async (t) => {
  for (const name of ['delete_todo', 'admin.tools.list', 'ns/tool', 'tést', '道具', '😀', '..', 'a b', '%2e', '__proto__']) {
    t.equal(findNameOddity(name), undefined, name)
  }
})

t.test('names with control characters or lone surrogates are odd', async (t) => {
  for (const name of ['a\u0000', '\u0000a', 'a\nb', 'a\u001fb', 'a\u007fb', 'a\u0080b', 'a\u009fb', 'a\ud800', '\udc00a', '\udc00\ud800']) {
    t.ok(findNameOddity(name), JSON.stringify(name))
    t.ok(findUriOddity(`todo://x/${name}`), JSON.stringify(name))
  }
})

t.test('names with white space around them or with invisible characters are odd', async (t) => {
  for (const name of [' a', 'a ', '\u00a0a', 'a\u3000', 'a\u200bb', 'a\u00adb', '\ufeffa', 'a\u2060', '\u202ea']) {
    t.ok(findNameOddity(name), JSON.stringify(name))
    t.ok(findUriOddity(name), JSON.stringify(name))
  }
})

t.test('names that are too long for patterns are odd', async (t) => {
  t.equal(findNameOddity('a'.repeat(LONGEST_PATTERN_NAME)), undefined)
  t.ok(findNameOddity('a'.repeat(LONGEST_PATTERN_NAME + 1)))
})

t.test('ordinary URIs are left to patterns', async (t) => {
  const uris = [
    'file:///a/b.txt', 'file:///a/.hidden', 'file:///a/...', 'file:///a/..b', 'file:///a/b..', 'https://h', 'https://h/', 'https://h/a/',
    'https://h:8080/a?x=1&y=.5#top', 'todo://list/1', 'urn:isbn:0451450523', 'https://h/a%20b', 'https://h/100%25', 'https://h/caf%C3%A9',
    'https://h/café', 'https://h/?next=https://other//x', 'https://h/a#//', 'todo://{id}', 'todo://Upper/Case', 'memo', '//h/a', 'x:a:B'
  ]
  for (const uri of uris) t.equal(findUriOddity(uri), undefined, uri)
})

const ODD: Readonly<Record<string, readonly string[]>> = {
  'it holds a dot segment': [
    'file:///a/../b', 'file:///a/./b', 'file:///a/..', 'file:///a/.', '..', '../a', 'todo:../a', 'todo:.', 'todo://../a', 'file:///a/..;x/b',
    'https://h/x?path=../../etc', 'https://h/a/..?x', 'https://h/a/..#x', 'https://h/a/..%3Bx', 'https://h/a/..%3fx', 'file:///a/%2e%2e/b', 'file:///a/%2E./b'
  ],
  'it holds a backslash': ['file:///a\\b', 'file:///a/..\\b'],
  'it holds an empty path segment': ['file:////a', 'https://h//a', 'https://h/a//b', 'https://h/a//', 'todo:a//b', '//h//a'],
  'its percent-encoding is broken or not UTF-8': [
    'https://h/%', 'https://h/%2', 'https://h/%zz', 'https://h/%%20', 'https://h/%c0%ae', 'https://h/%C0%AF', 'https://h/%e0%80%ae', 'https://h/%ff', 'https://h/%u002e'
  ],
  'it encodes a control character': ['https://h/a%00', 'https://h/a%0ab', 'https://h/a%0D', 'https://h/a%1f', 'https://h/a%7F', 'https://h/a%C2%80']
}

t.test('P6: URIs that could be resolved to something else are odd', async (t) => {
  for (const [reason, uris] of Object.entries(ODD)) {
    for (const uri of uris) t.equal(findUriOddity(uri), reason, uri)
  }
})

t.test('no URI makes the check expensive', async (t) => {
  const runs = ['A', '%20', '%25', '/a', 'a/', ':', '.', ';a', '%41', 'é'].map((text) => text.repeat(Math.floor(LONGEST_PATTERN_NAME / text.length)))
  for (const uri of [...runs, ...runs.map((run) => `todo:${run}`.slice(0, LONGEST_PATTERN_NAME)), 'a'.repeat(4_000_000)]) {
    const before = process.cpuUsage()
    findUriOddity(uri)
    const { user } = process.cpuUsage(before)
    t.ok(user < 100_000, `${uri.slice(0, 12)}… took ${user} µs`)
  }
})
