import t from 'tap'
import fc from 'fast-check'
import { mapPaths, resolvePath } from '../../src/upstream/path.js'

const AT_MCP = mapPaths('https://h.example/mcp', 'http://inner:8080/endpoint')
const AT_ROOT = mapPaths('https://h.example', 'http://inner:8080/endpoint')

t.test('F3: paths are mapped literally', async (t) => {
  type Row = readonly [resource: string, upstream: string, target: string, expected: string | undefined]
  const table: readonly Row[] = [
    // the resource itself
    ['https://h/mcp', 'http://u/inner', '/mcp', '/inner'],
    ['https://h/mcp', 'http://u/inner/', '/mcp', '/inner/'],
    ['https://h/mcp', 'http://u', '/mcp', '/'],
    ['https://h/a/b/', 'http://u/inner', '/a/b/', '/inner'],
    ['https://h/a/b/', 'http://u/inner', '/a/b', '/inner'],
    ['https://h', 'http://u/inner', '/', '/inner'],
    ['https://h/', 'http://u/inner', '/', '/inner'],
    // what is below it
    ['https://h/mcp', 'http://u/inner', '/mcp/', '/inner/'],
    ['https://h/mcp', 'http://u/inner', '/mcp/rest', '/inner/rest'],
    ['https://h/mcp', 'http://u/inner/', '/mcp/rest', '/inner/rest'],
    ['https://h/mcp', 'http://u', '/mcp/rest/', '/rest/'],
    ['https://h/a/b/', 'http://u/inner', '/a/b/c', '/inner/c'],
    ['https://h/', 'http://u/inner', '/mcp', '/inner/mcp'],
    ['https://h/', 'http://u/', '/mcp', '/mcp'],
    ['https://h/mcp', 'http://u/inner', '/mcp/mcp', '/inner/mcp'],
    // the query is handed on as it stands
    ['https://h/mcp', 'http://u/inner', '/mcp?a=1&a=2', '/inner?a=1&a=2'],
    ['https://h/mcp', 'http://u/inner', '/mcp/rest?', '/inner/rest?'],
    ['https://h/mcp', 'http://u/inner', '/mcp?x=../..//%2f%00', '/inner?x=../..//%2f%00'],
    ['https://h/mcp', 'http://u/inner', '/mcp?a?b', '/inner?a?b'],
    // what is encoded stays encoded
    ['https://h/mcp', 'http://u/inner', '/mcp/%C3%A9%20x', '/inner/%C3%A9%20x'],
    ['https://h/mcp', 'http://u/inner', '/mcp/a:b@c;d=e', '/inner/a:b@c;d=e'],
    ['https://h/mcp', 'http://u/inner', '/mcp/...', '/inner/...'],
    ['https://h/mcp', 'http://u/inner', '/mcp/.hidden/a..b', '/inner/.hidden/a..b'],
    // not under the resource, letter by letter
    ['https://h/mcp', 'http://u/inner', '/mcpx', undefined],
    ['https://h/mcp', 'http://u/inner', '/MCP', undefined],
    ['https://h/mcp', 'http://u/inner', '/%6dcp', undefined],
    ['https://h/mcp', 'http://u/inner', '/', undefined],
    ['https://h/mcp', 'http://u/inner', '//mcp', undefined],
    ['https://h/mcp', 'http://u/inner', 'http://h/mcp', undefined],
    ['https://h/', 'http://u/inner', '', undefined],
    ['https://h/', 'http://u/inner', '?a', undefined],
    ['https://h/', 'http://u/inner', '*', undefined],
    ['https://h/', 'http://u/inner', 'http://h/', undefined]
  ]
  for (const [resource, upstream, target, expected] of table) {
    t.equal(resolvePath(mapPaths(resource, upstream), target), expected, `${resource} ${upstream} ${target}`)
  }
})

t.test('F3: a path that two servers might read differently is refused', async (t) => {
  const rests = [
    '/..', '/../x', '/x/..', '/x/../y', '/.', '/./x', '/x/.', '/..;/x', '/..;a=b/x', '/.;/x',
    '//', '//x', '/x//y', '/x//',
    '/%2e', '/%2E%2e/x', '/.%2e/x', '/%2e./x', '/%252e%252e/x', '/%25252e/x', '/a%2eb',
    '/a%2fb', '/a%2Fb', '/a%252fb', '/a%5cb', '/a%5Cb', '/a%255cb', '/a\\b', '/..\\x',
    '/%25c0%25ae%25c0%25ae/x', '/%25ff', '/%252541%25',
    '/%00', '/a%00.json', '/%2500', '/%0d%0aX:y', '/%0a', '/%1f', '/%7f',
    '/%c0%ae%c0%ae/x', '/%ff', '/%c3', '/%e2%82',
    '/%', '/%2', '/%zz', '/%u002e%u002e',
    '/a b', '/a\tb', '/a"b', '/a<b', '/a>b', '/a^b', '/a`b', '/a{b}', '/a|b', '/é', '/a#b', '/a?x#y', '/a\u0000b', '/a?\u00e9'
  ]
  for (const rest of rests) {
    t.equal(resolvePath(AT_MCP, `/mcp${rest}`), undefined, JSON.stringify(rest))
    t.equal(resolvePath(AT_ROOT, rest), undefined, `at the root ${JSON.stringify(rest)}`)
  }
})

t.test('F3: whatever is asked for, what goes up stays below the endpoint for every reader', async () => {
  const pieces = fc.constantFrom('/', '.', '..', '%2e', '%2f', '%5c', '%25', '2e', '2f', ';', '\\', 'mcp', 'a', '?', '#', '%', '%c0', '%ae', ' ', ':', '@', '\u0000', 'é')
  fc.assert(fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
    const target = resolvePath(AT_MCP, `/mcp${parts.join('')}`)
    if (target === undefined) return
    const path = target.split('?')[0] as string
    for (const reading of readings(path)) {
      if (!(reading === '/endpoint' || reading.startsWith('/endpoint/'))) throw new Error(`${target} is read as ${reading}`)
    }
  }), { numRuns: 5000, examples: [[['/', '%25', 'a', 'a']]] })
})

/** The path as the WHATWG parser, a decoder, and two decoders in a row read it. */
function readings (path: string): string[] {
  const once = decodeURIComponent(path)
  const twice = /%(?![\da-f]{2})/i.test(once) ? once : decodeURI(once)
  return [path, once, twice].map((text) => new URL('http://h' + text.replaceAll('\\', '/').replace(/;[^/]*/g, '')).pathname)
}
