import { writeFileSync } from 'node:fs'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { environment } from '../../src/options/environment.js'
import { listOptions } from '../../src/options/list.js'
import { MINIMAL, writeConfig } from '../helpers/configuration.js'
import { load } from './config-file.js'

const MARK = 'MARKED-s3cr3t'

/** Values that are wrong in most places, in one way or another. */
const VALUES: readonly unknown[] = [
  MARK, [MARK], { x: MARK }, [{ x: MARK }], `https://me:${MARK}@login.example/`, `http://login.example/?key=${MARK}`,
  `http://login.example/${MARK}`, [`http://login.example/${MARK}`, `http://login.example/${MARK}`], `${MARK}\n`, `$\{${MARK}`, `-----BEGIN PRIVATE KEY-----\n${MARK}`
]

async function textOf (loading: Promise<{ warnings: readonly string[] }>): Promise<string> {
  try {
    return (await loading).warnings.join('\n')
  } catch (error) {
    return `${(error as Error).message}\n${JSON.stringify(error)}`
  }
}

function setAt (target: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [, name = '', isArray, rest] = /^(\w+|\$schema)(\[\])?\.?(.*)$/.exec(path) ?? []
  const inner = rest === '' || rest === undefined ? value : setAt(name === 'introspection' ? { clientId: 'postern' } : {}, rest, value)
  return { ...target, [name]: isArray === undefined ? inner : [{ issuer: 'https://login.example', ...inner as object }] }
}

t.test('O5: no problem and no warning quotes a configured value', async (t) => {
  const file = writeConfig(t, '').file
  const leaks: string[] = []
  let refused = 0
  for (const { path } of listOptions()) {
    for (const value of VALUES) {
      writeFileSync(file, JSON.stringify(setAt(MINIMAL, path, value)))
      const text = await textOf(loadConfig({ file, env: {} }))
      if (text.includes(MARK)) leaks.push(`${path}: ${text}`)
      if (text !== '') refused++
    }
  }
  t.strictSame(leaks, [])
  // Otherwise this test would say nothing.
  t.ok(refused > 400, `${refused} refusals were looked at`)
})

t.test('no problem quotes a header value, a rule or a member of the metadata', async (t) => {
  for (const members of [
    { upstreamHeaders: { 'X-Key': `${MARK}\n` } },
    { policy: { tools: { tool: `${MARK} x` } } },
    { policy: { implies: { a: [`${MARK} x`] } } },
    { metadata: { resource: MARK, scopes_supported: [`${MARK} x`] } }
  ]) {
    const text = await textOf(load(t, { ...MINIMAL, ...members }))
    t.not(text, '')
    t.notMatch(text, MARK)
  }
})

t.test('no syntax error quotes the text around it', async (t) => {
  for (const text of [`{"session": {"key": "${MARK}" x}}`, `{"session": {"key": "${MARK}`, MARK, `{"a": "${MARK}", "a": 1}`, `{"a": "\\ud800${MARK}"}`, `{"key": ${MARK}}`]) {
    const message = await textOf(load(t, text))
    t.not(message, '')
    t.notMatch(message, MARK)
  }
})

t.test('no problem quotes a variable, whether the gateway reads it or the file refers to it', async (t) => {
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(t.testdir())
  const sdk = { SK_ENV_URL: 'https://login.example', EXPECTED_AUDIENCE: 'x', PROTECTED_RESOURCE_METADATA: '{}', UPSTREAM_URL: 'http://localhost:8080/' }
  // The path of a file is its place.
  for (const name of Object.keys(environment.properties).filter((name) => name !== 'POSTERN_CONFIG')) {
    for (const value of [MARK, `https://me:${MARK}@login.example`, `{"${'x'}": "${MARK} y", }`, `{"a": "${MARK} y", "resource": "${MARK}"}`]) {
      const others = /^(SCALEKIT_|MCP_)/.test(name) ? {} : sdk
      t.notMatch(await textOf(loadConfig({ env: { ...others, [name]: value } })), MARK, name)
    }
  }
})

t.test('no problem quotes a variable that the file refers to', async (t) => {
  const reference = ['$', '{SECRET}'].join('')
  const text = await textOf(
    load(t, { ...MINIMAL, resource: reference, upstream: reference, session: { key: reference } }, {
      env: { SECRET: MARK }
    })
  )
  t.match(text, /^resource: .*\nupstream: .*\nsession\.key: /)
  t.notMatch(text, MARK)
})
