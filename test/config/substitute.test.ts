/* eslint-disable no-template-curly-in-string -- they are the syntax under test */
import t from 'tap'
import { substituteVariables } from '../../src/config/substitute.js'
import { MINIMAL } from '../helpers/configuration.js'
import { load, problemsWith } from './config-file.js'

const ENV = { HOST_NAME: 'mcp.example', EMPTY: '', NESTED: '${HOST_NAME} $$', _u1: 'x' }

t.test('references become what the variables hold, in strings at any depth but not in names', (t) => {
  const { value, problems, used } = substituteVariables({
    a: 'https://${HOST_NAME}/${_u1}',
    b: [{ '${HOST_NAME}': '${HOST_NAME}' }, 5, null, true],
    c: '$${HOST_NAME} costs $5 or $$5',
    d: '${UNSET:-fallback}${EMPTY:-}|${EMPTY:-a:-b $ c}|${HOST_NAME:-unused}',
    // What a variable holds is no template.
    e: '${NESTED}'
  }, ENV)
  t.strictSame(value, {
    a: 'https://mcp.example/x',
    b: [{ '${HOST_NAME}': 'mcp.example' }, 5, null, true],
    c: '${HOST_NAME} costs $5 or $5',
    d: 'fallback|a:-b $ c|mcp.example',
    e: '${HOST_NAME} $$'
  })
  t.strictSame(problems, [])
  t.strictSame([...used].sort(), ['EMPTY', 'HOST_NAME', 'NESTED', 'UNSET', '_u1'])
  t.end()
})

t.test('a variable that is unset or empty, and not of the environment itself, is a problem', async (t) => {
  for (const name of ['UNSET', 'EMPTY', 'constructor', '__proto__']) {
    t.strictSame(await problemsWith(t, { upstreamHeaders: { 'X-Key': `Bearer \${${name}}` } }, { env: { ...ENV } }), [
      `upstreamHeaders["X-Key"]: the environment variable ${name} is not set: set it, or write \${${name}:-default}`
    ])
  }
})

t.test('a malformed reference is a problem', async (t) => {
  for (const text of ['${', '${}', '${A', '${A B}', '${1A}', '${A-b}', '${A:b}', '${A:-${B}}', '${A:-', 'x${${A}}']) {
    const problems = await problemsWith(t, { metadata: { resource_name: text } }, { env: { A: 'a', B: 'b' } })
    t.equal(problems.length, 1, text)
    t.match(problems[0], /^metadata\.resource_name: holds a variable reference that is neither \$\{NAME\} nor/)
  }
})

t.test('a missing variable does not make its place look wrong as well', async (t) => {
  t.strictSame(await problemsWith(t, { resource: '${RESOURCE}', session: { key: '${KEY}' }, authorizationServers: ['${ISSUER}'] }), [
    'resource: the environment variable RESOURCE is not set: set it, or write ${RESOURCE:-default}',
    'authorizationServers[0]: the environment variable ISSUER is not set: set it, or write ${ISSUER:-default}',
    'session.key: the environment variable KEY is not set: set it, or write ${KEY:-default}'
  ])
})

t.test('what a variable holds is checked like what is written in the file', async (t) => {
  const members = { ...MINIMAL, resource: '${RESOURCE}', session: { key: '${KEY}' } }
  const good = { RESOURCE: 'https://mcp.example/mcp', KEY: 'k'.repeat(32) }
  t.match(
    (await load(t, members, { env: good })).config.servers,
    [{ resource: good.RESOURCE, session: { key: [good.KEY] } }]
  )
  t.match(await problemsWith(t, members, { env: { RESOURCE: '${', KEY: '${KEY}' } }), [/^resource: /, /^session\.key/])
  t.match(await problemsWith(t, members, { env: { ...good, RESOURCE: 'mcp.example' } }), [/^resource: must be an absolute URL/])
})

t.test('the number behind a variable stays a string', async (t) => {
  t.strictSame(await problemsWith(t, { tokenCacheSeconds: '${SECONDS}' }, { env: { SECONDS: '5' } }), ['tokenCacheSeconds: must be a whole number'])
})
