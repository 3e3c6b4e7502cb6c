import fc from 'fast-check'
import t from 'tap'
import { completeConfig } from '../../src/config/complete.js'
import { validateFile } from '../../src/config/validate.js'
import { listOptions } from '../../src/options/list.js'
import { MINIMAL } from '../helpers/configuration.js'
import { load, loadServer, problemsOf, problemsWith } from './config-file.js'

const PROCESS = { host: '127.0.0.1', port: 3002, logLevel: 'info' }

t.test('an unknown option is refused with its path, and what was probably meant', async (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ polcy: {} }, 'polcy: is not an option; did you mean "policy"?'],
    [{ UPSTREAMHEADERS: {} }, 'UPSTREAMHEADERS: is not an option; did you mean "upstreamHeaders"?'],
    [{ orgiins: ['*'] }, 'orgiins: is not an option; did you mean "origins"?'],
    [{ policy: { tolls: {} } }, 'policy.tolls: is not an option; did you mean "tools"?'],
    [{ tools: {} }, 'tools: is not an option here; did you mean "policy.tools"?'],
    [{ jwksUri: 'https://a.example' }, 'jwksUri: is not an option here; did you mean "authorizationServers[].jwksUri"?'],
    [{ admin: { port: 1, 'bind address': 'x' } }, 'admin["bind address"]: is not an option; known here: host, port'],
    [{ quux: 1 }, 'quux: is not an option'],
    [{ port: 80 }, 'port: is not an option: it comes from the environment (PORT, or --port)'],
    [{ logLevel: 'info' }, 'logLevel: is not an option: it comes from the environment (LOG_LEVEL)'],
    [{ authorizationServers: ['http://localhost:9000', { issuer: 'http://localhost', audiences: ['x'] }] },
      'authorizationServers[1].audiences: is not an option; did you mean "audience"?'],
    [{ identityHeaders: { email: true } }, 'identityHeaders.email: is not an option; known here: subject, clientId, issuer, scopes']
  ]
  for (const [members, problem] of cases) t.strictSame(await problemsWith(t, members), [problem])
})

t.test('names that every object inherits are unknown options, and names of rules like any other', async (t) => {
  t.strictSame(await problemsWith(t, { constructor: 1, toString: 1, hasOwnProperty: 1 }), [
    'constructor: is not an option', 'toString: is not an option', 'hasOwnProperty: is not an option'
  ])
  const tools = { constructor: 'a', toString: 'b', hasOwnProperty: false }
  t.strictSame((await loadServer(t, { policy: { tools } })).policy.tools, tools)
  t.strictSame(await problemsWith(t, { policy: { tools: { constructor: [], 'a\nb': [] } } }), [
    'policy.tools.constructor: must not be empty: list at least one, or leave the option out',
    'policy.tools["a\\nb"]: must not be empty: list at least one, or leave the option out'
  ])
})

t.test('a member __proto__ sets no option', async (t) => {
  const text = '{"upstream": "http://localhost:8080/", "__proto__": {"resource": "http://localhost:3002/mcp"}, "policy": {"tools": {"__proto__": 5}}}'
  t.match(await problemsOf(load(t, text)), [/^1:40: .*__proto__/])
  const { problems, value: usable } = validateFile(JSON.parse(text))
  t.strictSame(problems.map(({ place }) => place), ['__proto__', 'policy.tools.__proto__', 'resource', 'authorizationServers'])
  t.equal(usable.resource, undefined)
})

t.test('P2: every form of a rule is accepted', async (t) => {
  const tools = {
    a: 'x',
    b: ['x', 'y:z'],
    c: { anyOf: ['x', ['y', 'z']] },
    d: { allOf: ['x', 'y'] },
    e: true,
    f: false
  }
  t.strictSame((await loadServer(t, { policy: { tools } })).policy.tools, tools)
})

t.test('P2: anything else in place of a rule is refused', async (t) => {
  const rules = [
    5, null, '', [], [''], [['a']], 'todo read', 'quo"te', 'back\\slash', 'é', 'tab\t', ['a b'], {}, { anyOf: [] }, { anyOf: [[]] },
    { allOf: [] }, { allOf: [['a']] }, { anyOf: ['a'], allOf: ['a'] }, { anyOf: ['a'], other: 1 }, { anyOf: 'a' }, { oneOf: ['a'] },
    { anyOf: [true] }, 'line\n'
  ]
  for (const rule of rules) {
    const problems = await problemsWith(t, { policy: { tools: { tool: rule } } })
    t.equal(problems.length, 1, JSON.stringify(rule))
    t.match(problems[0], /^policy\.tools\.tool/)
  }
})

t.test('values out of range are refused', async (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ limits: { headerBytes: 1023 } }, 'limits.headerBytes: must be at least 1024'],
    [{ limits: { bodyBytes: 0 } }, 'limits.bodyBytes: must be at least 1'],
    [{ limits: { bodyBytes: 1e9 } }, 'limits.bodyBytes: must be at most 268435456'],
    [{ limits: { connections: 0 } }, 'limits.connections: must be at least 1'],
    // A longer delay would make a Node timer fire at once.
    [{ limits: { upstreamTimeoutMs: 2147483648 } }, 'limits.upstreamTimeoutMs: must be at most 2147483647'],
    [{ limits: { drainMs: 0.5 } }, 'limits.drainMs: must be a whole number'],
    [{ clockToleranceSeconds: 301 }, 'clockToleranceSeconds: must be at most 300'],
    [{ clockToleranceSeconds: '30' }, 'clockToleranceSeconds: must be a whole number'],
    [{ strictAudience: 'yes' }, 'strictAudience: must be true or false'],
    [{ audience: [] }, 'audience: must not be empty: list at least one, or leave the option out'],
    [{ audience: [''] }, 'audience[0]: must not be empty'],
    [{ audience: 'x' }, 'audience: must be an array'],
    [{ defaultScopes: ['a b'] }, 'defaultScopes[0]: must be a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)'],
    [{ policy: { implies: { 'a b': ['c'] } } }, 'policy.implies["a b"]: the name must be a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)'],
    [{ policy: { implies: { a: [] } } }, 'policy.implies.a: must not be empty: list at least one, or leave the option out'],
    [{ policy: { unlisted: 'permit' } }, 'policy.unlisted: must be "deny", "allow", or an object of these for tools, resources and prompts'],
    [{ policy: { unlisted: { tools: true } } }, 'policy.unlisted.tools: must be one of "deny", "allow"'],
    [{ admin: {} }, 'admin.port: is required: Port to listen on.'],
    [{ admin: { port: 65536 } }, 'admin.port: must be at most 65535'],
    [{ upstreamHeaders: { 'x-key': 5 } }, 'upstreamHeaders["x-key"]: must be a string'],
    [{ authorizationServers: [] }, 'authorizationServers: must not be empty: list at least one, or leave the option out'],
    [{ authorizationServers: ['login.example'] }, 'authorizationServers[0]: must be an absolute URL that starts with https:// or http://'],
    [{ authorizationServers: [7] }, 'authorizationServers[0]: must be an issuer URL or an object with "issuer"'],
    [{ metadata: { scopes_supported: ['a b'] } }, 'metadata.scopes_supported[0]: must be a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)']
  ]
  for (const [members, problem] of cases) t.strictSame(await problemsWith(t, members), [problem])
})

t.test('limits may be small, and lists that permit or name something may be empty', async (t) => {
  t.strictSame(await problemsWith(t, {
    limits: { bodyBytes: 1, headerBytes: 1024, upstreamTimeoutMs: 1, connections: 1, drainMs: 0 },
    origins: [],
    defaultScopes: [],
    session: { key: 'x'.repeat(16) },
    authorizationServers: [{ issuer: 'https://a.example', issuers: [] }],
    policy: { tools: {}, resources: {}, prompts: {}, methods: {}, implies: {} }
  }), [])
})

t.test('HMAC algorithms and none are refused', async (t) => {
  for (const algorithm of ['HS256', 'HS384', 'HS512', 'none', 'None', 'rs256', 'RSA-OAEP']) {
    const problems = await problemsWith(t, { authorizationServers: [{ issuer: 'https://a.example', algorithms: ['RS256', algorithm] }] })
    t.equal(problems.length, 1, algorithm)
    t.match(problems[0], /^authorizationServers\[0\]\.algorithms\[1\]: must be one of RS256, .*HMAC algorithms \(HS\*\) and none are never accepted/)
  }
})

t.test('a session key shorter than 16 characters is refused', async (t) => {
  t.match(await problemsWith(t, { session: { key: 'x'.repeat(15) } }), [/^session\.key: must be a secret of at least 16 characters/])
  t.match(await problemsWith(t, { session: { key: ['x'.repeat(16), 'y'.repeat(15)] } }), [/^session\.key\[1\]: must be a secret of at least 16 characters/])
})

t.test('what the file must say and does not is listed with its meaning', async (t) => {
  const problems = await problemsOf(load(t, {}))
  t.strictSame(problems.map((problem) => problem.slice(0, problem.indexOf(': ') + 15)), [
    'resource: is required: ', 'upstream: is required: ', 'authorizationServers: is required: '
  ])
  t.strictSame(await problemsOf(load(t, [])), ['(top level): must be an object'])
  t.strictSame(await problemsOf(load(t, 'null')), ['(top level): must be an object'])
})

t.test('dozens of problems are all listed', async (t) => {
  const tools = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`tool_${index}`, 5]))
  t.equal((await problemsWith(t, { policy: { tools } })).length, 60)
})

t.test('a wrong value does not hide a broken rule between others', async (t) => {
  const problems = await problemsWith(t, { unknown: 1, policy: { tools: { a: [] } }, upstream: 'http://localhost:3002/x', origins: ['https://a.example/'] })
  t.strictSame(problems.map((problem) => problem.split(':')[0]), ['unknown', 'policy.tools.a', 'upstream', 'origins[0]'])
})

t.test('every option of the schema has a description', (t) => {
  const silent = listOptions().filter(({ schema }) => (schema.description ?? '').length < 10)
  t.strictSame(silent.map(({ path }) => path), [])
  t.end()
})

t.test('no file makes the checks throw, and a file without problems passes them as a whole', (t) => {
  const names = fc.constantFrom(...new Set(listOptions().map(({ name }) => name)), '__proto__', 'constructor')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('https://a.example', 'http://localhost:3002/mcp', 'allow', '*', '', 5, 0, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 5 })
    )
  }))
  fc.assert(fc.property(value, names, value, (whole, name, part) => {
    for (const file of [
      whole,
      { ...MINIMAL, [name]: part },
      { ...MINIMAL, resource: undefined, servers: [{ ...MINIMAL, [name]: part }] }
    ]) {
      const json: unknown = JSON.parse(JSON.stringify(file))
      completeConfig(json, PROCESS)
      // What is left of a file is right, required members aside.
      const rest = validateFile(validateFile(json).value).problems.filter(({ message }) => !message.startsWith('is required'))
      if (rest.length > 0) throw new Error(JSON.stringify(rest))
    }
  }), { numRuns: 500 })
  t.end()
})
