import t from 'tap'
import { bearerChallenge, parseChallenges, readChallenges } from '../../src/doctor/www-authenticate.js'

/** Header values, and the schemes and parameters that a client reads in them. */
const READ: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, Record<string, string>]>]> = [
  ['Bearer', [['bearer', {}]]],
  ['Bearer realm="mcp"', [['bearer', { realm: 'mcp' }]]],
  ['bEARER Scope="a b" , error=invalid_token', [['bearer', { scope: 'a b', error: 'invalid_token' }]]],
  ['Bearer a="say \\"please\\", then \\\\"', [['bearer', { a: 'say "please", then \\' }]]],
  ['Bearer a="1", Basic realm="x", Negotiate, DPoP algs="ES256"', [
    ['bearer', { a: '1' }], ['basic', { realm: 'x' }], ['negotiate', {}], ['dpop', { algs: 'ES256' }]
  ]],
  ['Negotiate dG9rZW4=, Bearer a = "1"', [['negotiate', {}], ['bearer', { a: '1' }]]],
  [', ,Bearer a="1",, b="2",', [['bearer', { a: '1', b: '2' }]]],
  ['', []]
]

for (const [value, expected] of READ) {
  t.test(`${JSON.stringify(value)} is read`, async (t) => {
    t.strictSame(
      parseChallenges(value)?.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]),
      expected
    )
  })
}

for (const value of [
  'Bearer realm="x" error="y"', 'Bearer resource_metadata=https://h/x', 'Bearer realm="x', 'realm="x"',
  'Bearer "x"', 'Bearer: realm="x"', 'Bearer realm="x";scope="y"'
]) {
  t.test(`${JSON.stringify(value)} does not follow the grammar`, async (t) => {
    t.equal(parseChallenges(value), undefined)
  })
}

t.test('a parameter that occurs twice has its first value, and is reported', async (t) => {
  const [challenge] = parseChallenges('Bearer scope="a", SCOPE="b"') ?? []
  t.equal(challenge?.parameters.get('scope'), 'a')
  t.strictSame(challenge?.repeated, ['scope'])
})

t.test('several headers are several challenges', async (t) => {
  const response = {
    status: 401,
    text: '',
    headers: [['www-authenticate', 'Basic realm="x"'], ['www-authenticate', 'Bearer scope="a"']] as const
  }
  t.match(readChallenges(response), { kind: 'parsed', others: ['basic'] })
  t.equal(bearerChallenge(response)?.parameters.get('scope'), 'a')
})

t.test('a value that is made to be slow to parse is parsed fast', async (t) => {
  for (const value of [
    'Bearer ' + ' '.repeat(50_000) + '"',
    'Bearer a="' + '\\'.repeat(50_000),
    'Bearer ' + 'a=b,'.repeat(20_000) + '"',
    'Bearer ' + 'a'.repeat(50_000) + '"',
    ',\t '.repeat(50_000) + '"'
  ]) {
    const start = performance.now()
    t.equal(parseChallenges(value), undefined)
    t.ok(performance.now() - start < 1_000, value.slice(0, 12))
  }
})
