// A resource's URI that matches a permissive pattern as text and means another resource to the upstream: dot
// segments, encodings, repeated slashes, backslashes, other cases of the scheme, credentials and ports in the
// authority. Fell for it: the reference filesystem server (CVE-2025-53109, CVE-2025-53110, prefix matching),
// FastMCP's OpenAPIProvider (CVE-2026-32871), every glob over paths that are not normalised. It fails here
// because a pattern decides about a URI only when every spelling that the upstream could make of it falls
// under the same rule (P6).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, refuses, stillWorks } from './assertions.js'

const POLICY = {
  tools: { list_todos: true },
  resources: {
    'file:///public/**': true,
    'file:///public/secret.txt': 'files:secret',
    'file:///private/**': 'files:private',
    'todo://*': true,
    'https://docs.example/**': true
  },
  prompts: { greet: true }
}

const read = (uri: string, method = 'resources/read'): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { uri } })

const MISLEADING = [
  'file:///public/../private/x', 'file:///public/./../private/x', 'file:///public/x/../../private/x', 'file:///public/..', 'file:///public/.', 'file:///public/x/..', 'file:///public/../public/x',
  'file:///public/%2e%2e/private/x', 'file:///public/%2E%2e/private/x', 'file:///public/.%2e/private/x', 'file:///public/..%2fprivate/x', 'file:///public/%2e%2e%2fprivate', 'file:///public/%252e%252e/private/x', 'file:///public/%25252e%25252e/private', 'file:///public/x%2f..%2f..%2fprivate', 'file:///public%2fsecret.txt', 'file:///public/%73ecret.txt', 'file:///public/x%252f..%252fprivate',
  'file:///public/..%5cprivate', 'file:///public\\..\\private', 'file:///public/..\\private', 'file:///public/%5c', 'file:///public/x\\y',
  'file:///public//../private', 'file:///public//x', 'file:///public///etc/passwd', 'file:////public/x', 'file:///public/..;/private', 'file:///public/..;x/private', 'file:///public/;/../private', 'file:///public/..?/private', 'file:///public/..#/private', 'file:///public/x?path=../private', 'file:///public/x#/../../private', 'file:///public/..:/private',
  'file:///public/\u0000/private', 'file:///public/x\u0000.txt', 'file:///public/%00', 'file:///public/x\r\n', 'file:///public/\u0085x', 'file:///public/%0a', 'file:///public/%7f', 'file:///public/x%c2%85', 'file:///public/\u007f',
  'file:///public/%c0%ae%c0%ae/private', 'file:///public/%ff', 'file:///public/%', 'file:///public/%2', 'file:///public/%zz', 'file:///public/%u002e', 'file:///public/s%65cret.txt', 'file:///public/secret%2etxt',
  'FILE:///private/x', 'FILE:///public/secret.txt', 'file://localhost/public/x', 'file:/public/x', 'file:public/x', 'file://public/x', 'file:///PUBLIC/x', 'file:///public', ' file:///public/x', 'file:///public/x'.replace('f', '\uff46'), 'url:file:///public/x', 'file:///private/x', 'file:///etc/passwd', '/public/x', 'public/x', '../public/x', '',
  'todo://a/b', 'todo://../x', 'todo://a/../b', 'todo://', 'todo://.', 'todo://a%2fb', 'todo:///', 'https://docs.example', 'https://docs.example.evil.example/x', 'https://docs.example@evil.example/x', 'https://evil.example/https://docs.example/x', 'https://docs.example:444/x', 'https://docs.example/..', 'https://docs.example/x/../../y', 'https://docs.example//evil.example', 'https://DOCS.example/x', 'http://docs.example/x', 'https:/docs.example/x', 'https:\\\\docs.example\\x'
]

t.test('P6: a URI that may mean something else matches no pattern, in any method', async (t) => {
  const scene = await startScene(t, { config: { policy: POLICY } })
  for (const uri of MISLEADING) {
    // A pattern for one segment takes one of no characters, too: nothing is hidden in `todo://`.
    if (uri === 'todo://') continue
    await refuses(t, scene, uri, { token: scene.token, body: read(uri) }, { status: 403, code: 403 })
  }
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    for (const uri of MISLEADING.slice(0, 12)) await refuses(t, scene, `${method} ${uri}`, { token: scene.token, body: read(uri, method) }, { status: 403, code: 403 })
  }
  for (const uri of ['file:///public/x%2fy', 'file:///public/%61', 'FILE:///public/x', 'Todo://x']) {
    await permits(t, scene, `${uri}: every spelling falls under one rule`, { token: scene.token, body: read(uri) })
  }
  await permits(t, scene, 'an ordinary one', { token: scene.token, body: read('file:///public/a/b%20c/d.txt?x=y#z') })
  await stillWorks(t, scene)
})

t.test('of several URIs, and of a name and a URI, each one must be permitted', async (t) => {
  const scene = await startScene(t, { config: { policy: POLICY } })
  const { token } = scene
  const listen = (uris: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true, resourceSubscriptions: uris } } })
  const complete = (ref: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'completion/complete', params: { ref, argument: { name: 'x', value: '' } } })
  const many = Array.from({ length: 999 }, (_, index) => `file:///public/${index}`)
  await refuses(t, scene, 'the last of many', { token, body: listen([...many, 'file:///private/x']) }, { status: 403, code: 403 })
  await refuses(t, scene, 'the first of many', { token, body: listen(['file:///public/../private/x', ...many]) }, { status: 403, code: 403 })
  await refuses(t, scene, 'too many', { token, body: listen([...many, ...many]) }, { status: 400, code: -32600 })
  for (const [name, uris] of Object.entries({ 'a string': 'file:///private/x', 'an object': { 0: 'file:///private/x' }, 'an array in the array': [['file:///private/x']], 'an object in the array': [{ uri: 'file:///private/x' }], 'a number': [1], null: null })) {
    await refuses(t, scene, name, { token, body: listen(uris) }, { status: 400, code: -32602 })
  }
  await permits(t, scene, 'many permitted', { token, body: listen(many) })
  await refuses(t, scene, 'a permitted prompt and another\'s URI', { token, body: complete({ type: 'ref/prompt', name: 'greet', uri: 'file:///private/x' }) }, { status: 403, code: 403 })
  await refuses(t, scene, 'a permitted URI and another prompt', { token, body: complete({ type: 'ref/resource', name: 'other', uri: 'file:///public/x' }) }, { status: 403, code: 403 })
  for (const [name, ref] of Object.entries({ 'no type': { name: 'greet' }, 'another type': { type: 'ref/tool', name: 'greet' }, 'another case': { type: 'REF/PROMPT', name: 'greet' }, 'a type without its member': { type: 'ref/resource', name: 'greet' }, 'a name that is no string': { type: 'ref/prompt', name: ['greet'] }, 'a string': 'greet', 'a list': [{ type: 'ref/prompt', name: 'greet' }] })) {
    await refuses(t, scene, name, { token, body: complete(ref) }, { status: 400, code: -32602 })
  }
  await permits(t, scene, 'both permitted', { token, body: complete({ type: 'ref/prompt', name: 'greet', uri: 'file:///public/x' }) })
})
