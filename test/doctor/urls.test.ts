import t from 'tap'
import { addQuery, insertWellKnown, refuseNamedUrl } from '../../src/doctor/urls.js'
import { quote } from '../../src/doctor/quote.js'

t.test('a server elsewhere cannot send the doctor to this machine or to a URL without http', async (t) => {
  const examined = new URL('https://mcp.example/mcp')
  for (const url of [
    'http://localhost:9000',
    'http://127.0.0.1/x',
    'http://127.1/x',
    'http://2130706433/',
    'https://[::1]/',
    'http://a.localhost/',
    'file:///etc/passwd',
    'ftp://mcp.example/',
    '/relative',
    'https://a:b@mcp.example/',
    '',
    undefined,
    7,
    ['https://mcp.example']
  ]) {
    t.type(refuseNamedUrl(url, examined), 'string', String(url))
  }
  for (const host of [
    'localhost',
    'x.localhost',
    'localhost.',
    '127.0.0.1',
    '127.1',
    '0x7f.0.0.1',
    '127.0.0.1.',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:127.255.0.9]',
    '[::ffff:0.0.0.0]'
  ]) {
    t.match(refuseNamedUrl(`http://${host}:9000/x`, examined), /loopback/, host)
  }
  t.equal(refuseNamedUrl('https://auth.example/x', examined), undefined)
  t.equal(
    refuseNamedUrl('http://localhost:9000', new URL('http://127.0.0.1:3002/mcp')),
    undefined,
    'a server on this machine may name others here'
  )
})

t.test('well-known strings stand between host and path, and a query stays', async (t) => {
  for (const [url, expected] of [
    ['https://h', 'https://h/.well-known/x'],
    ['https://h/', 'https://h/.well-known/x'],
    ['https://h:8443/mcp', 'https://h:8443/.well-known/x/mcp'],
    ['https://h/a/b/', 'https://h/.well-known/x/a/b/'],
    ['https://h/mcp?tenant=1', 'https://h/.well-known/x/mcp?tenant=1']
  ] as const) t.equal(insertWellKnown(new URL(url), 'x'), expected)
})

t.test('a parameter is added to a query, or begins one', async (t) => {
  t.equal(addQuery(new URL('https://h/mcp'), 'a=b'), 'https://h/mcp?a=b')
  t.equal(addQuery(new URL('https://h/mcp?tenant=1'), 'a=b'), 'https://h/mcp?tenant=1&a=b')
})

t.test('a quoted value cannot move the cursor', async (t) => {
  t.equal(
    quote('\u001b[2J\u009b1A\u202eé\u{1f600}\n'), '"\\u001b[2J\\u009b1A\\u202e\\u00e9\\ud83d\\ude00\\n"'
  )
  t.ok(quote('x'.repeat(10_000)).length < 200)
  t.equal(quote(undefined), 'nothing')
})
