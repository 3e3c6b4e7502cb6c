import t from 'tap'
import fc from 'fast-check'
import { formatChallenge } from '../../src/oauth/challenge.js'

const resourceMetadata = 'https://mcp.example/.well-known/oauth-protected-resource/mcp'

/** Reads a challenge as RFC 9110 §11.6.1 defines it; throws when there is anything else in the value. */
function parse (value: string): Record<string, string> {
  const scheme = /^Bearer /.exec(value)
  if (scheme === null) throw new Error(`no Bearer challenge: ${value}`)
  const attributes: Record<string, string> = {}
  let rest = value.slice(scheme[0].length)
  while (rest !== '') {
    const match = /^([a-z_]+)="((?:[^"\\]|\\.)*)"(?:, (?=.)|$)/.exec(rest)
    if (match === null) throw new Error(`no attribute: ${rest}`)
    const [all, name, quoted] = match as unknown as [string, string, string]
    if (name in attributes) throw new Error(`twice: ${name}`)
    attributes[name] = quoted.replace(/\\(.)/g, '$1')
    rest = rest.slice(all.length)
  }
  return attributes
}

t.test('without credentials the challenge names the metadata and the scopes, and no error', async (t) => {
  t.equal(formatChallenge({ resourceMetadata, scope: 'todo:read todo:write' }),
    `Bearer resource_metadata="${resourceMetadata}", scope="todo:read todo:write"`)
  t.equal(formatChallenge({ resourceMetadata }), `Bearer resource_metadata="${resourceMetadata}"`)
  t.equal(formatChallenge({ resourceMetadata, scope: '' }), `Bearer resource_metadata="${resourceMetadata}"`, 'no empty scope attribute')
})

t.test('an error comes first, with the scopes, the metadata and a description', async (t) => {
  t.equal(formatChallenge({ resourceMetadata, scope: 'todo:write', error: 'insufficient_scope', errorDescription: 'todo:write is missing' }),
    `Bearer error="insufficient_scope", scope="todo:write", resource_metadata="${resourceMetadata}", error_description="todo:write is missing"`)
  t.equal(formatChallenge({ resourceMetadata, error: 'invalid_token' }), `Bearer error="invalid_token", resource_metadata="${resourceMetadata}"`)
})

t.test('A8: a quote or a line break in a value stays in the value', async (t) => {
  const value = formatChallenge({
    resourceMetadata: 'https://h/"\\,x="y',
    scope: 'a", error="x',
    error: 'invalid_token',
    errorDescription: 'say "hi"\r\nSet-Cookie: a=b\\'
  })
  t.same(parse(value), {
    error: 'invalid_token',
    resource_metadata: 'https://h/"\\,x="y',
    error_description: "say 'hi'??Set-Cookie: a=b?"
  }, 'scopes that RFC 6749 cannot express are left out')
})

t.test('A8: property: whatever the values, the result is one challenge in printable ASCII', async (t) => {
  const text = fc.string({ unit: 'binary' })
  t.doesNotThrow(() => fc.assert(fc.property(text, text, text, (url, scope, errorDescription) => {
    const value = formatChallenge({ resourceMetadata: url, scope, error: 'invalid_token', errorDescription })
    const { error, scope: scopes = '', ...others } = parse(value)
    return /^[\x20-\x7e]+$/.test(value) && error === 'invalid_token' &&
      scopes.split(' ').every((one) => one === '' || scope.split(' ').includes(one)) &&
      Object.keys(others).sort().join() === 'error_description,resource_metadata'
  }), { numRuns: 2_000 }))
})
