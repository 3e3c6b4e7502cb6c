import type { ServerResponse } from 'node:http'
import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { defer } from '../helpers/deferred.js'
import type { TestGateway } from '../helpers/gateway.js'
import { startRawUpstream } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { until } from '../helpers/until.js'
import type { Answer } from '../helpers/upstream.js'

const TOOLS = ['list_todos', 'get_todo', 'delete_todo', 'reset', 'constructor', '__proto__']
const POLICY = {
  tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' },
  resources: { 'todo://lists/*': 'todo:read', 'todo://audit/{id}': 'todo:write', 'todo://lists/secret': false },
  prompts: { weekly: 'todo:read', purge: 'todo:write' }
}
/** Deeper in than any list is looked for. */
const ELSEWHERE = '"_meta":{"tools":[{"name":"reset"}]}'
const MODERN = '2026-07-28'

function list (method: string, meta?: object): object {
  return { jsonrpc: '2.0', id: 7, method, ...(meta === undefined ? {} : { params: { _meta: meta } }) }
}

function toolList (names: readonly string[], more = ''): string {
  return `{"jsonrpc":"2.0", "id":7,"result":{"tools":[${names.map((name) => `{"name":"${name}","inputSchema":{}}`).join(', ')}],"nextCursor":"reset"${more}}}`
}

function answerJson (body: string, headers: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return (_request, response) => { response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body) }
}

async function namesIn (response: Response, member = 'tools', key = 'name'): Promise<unknown> {
  const { result } = await response.json() as { result: Record<string, Record<string, unknown>[]> }
  return result[member]?.map((entry) => entry[key])
}

/** What a body holds until the connection breaks off. */
async function readBroken (response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
    }
  } catch {
    return text
  }
  throw new Error(`the response ended regularly: ${text}`)
}

t.test('P9: a list loses what the token may not use, and nothing else', async (t) => {
  const { gateway, upstream, tokenWith } = await startScene(t, { answer: answerJson(toolList(TOOLS, `,${ELSEWHERE}`)), config: { policy: POLICY } })
  const reader = await gateway.post(await tokenWith({ scope: 'todo:read' }), list('tools/list'))
  const text = await reader.text()
  t.equal(text, toolList(['list_todos', 'get_todo'], `,${ELSEWHERE}`))
  t.equal(reader.headers.get('content-length'), String(text.length))
  t.strictSame(await namesIn(await gateway.post(await tokenWith({ scope: 'todo:read todo:write' }), list('tools/list'))), ['list_todos', 'get_todo', 'delete_todo'])
  t.strictSame(await namesIn(await gateway.post(await tokenWith({ scope: 'other' }), list('tools/list'))), [], 'empty, not null')
  t.equal(upstream.received.length, 3)
})

t.test('P9: a list and a call never disagree', async (t) => {
  const names = [...TOOLS, 'LIST_TODOS', 'x_todo', '_todo', 'get_todo\\u0000', 'caf\u00e9_todo', '*_todo']
  const { gateway, upstream, tokenWith } = await startScene(t, { config: { policy: { ...POLICY, methods: { 'prompts/get': 'prompts' } } } })
  for (const scope of ['todo:read', 'todo:write', 'todo:read todo:write', 'none']) {
    const token = await tokenWith({ scope })
    upstream.answer = answerJson(toolList(names))
    const listed = await namesIn(await gateway.post(token, list('tools/list'))) as string[]
    for (const name of names) {
      const exact = JSON.parse(`"${name}"`) as string
      const { status } = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: exact } })
      t.equal(status, listed.includes(exact) ? 200 : 403, `${encodeURI(name)} with ${scope}`)
    }
  }
  upstream.answer = answerJson('{"id":7,"result":{"prompts":[{"name":"weekly"}]}}')
  t.strictSame(await namesIn(await gateway.post(await tokenWith({ scope: 'todo:read' }), list('prompts/list')), 'prompts'), [], 'the rule of the method counts too')
  t.strictSame(await namesIn(await gateway.post(await tokenWith({ scope: 'todo:read prompts' }), list('prompts/list')), 'prompts'), ['weekly'])
})

t.test('resources, templates and prompts are filtered by their own rules', async (t) => {
  const { gateway, upstream, tokenWith } = await startScene(t, { config: { policy: POLICY } })
  const token = await tokenWith({ scope: 'todo:read' })
  upstream.answer = answerJson('{"id":7,"result":{"resources":[{"uri":"todo://lists/1","name":"a"},{"uri":"todo://lists/secret","name":"b"},{"uri":"todo://lists/../x","name":"c"},{"uri":"file:///etc/passwd","name":"d"}]}}')
  t.strictSame(await namesIn(await gateway.post(token, list('resources/list')), 'resources', 'uri'), ['todo://lists/1'])
  upstream.answer = answerJson('{"id":7,"result":{"resourceTemplates":[{"uriTemplate":"todo://lists/{id}","name":"a"},{"uriTemplate":"todo://audit/{id}","name":"b"},{"uriTemplate":"file:///{path}","name":"c"}]}}')
  t.strictSame(await namesIn(await gateway.post(token, list('resources/templates/list')), 'resourceTemplates', 'uriTemplate'), ['todo://lists/{id}'])
  t.strictSame(await namesIn(await gateway.post(await tokenWith({ scope: 'todo:write' }), list('resources/templates/list')), 'resourceTemplates', 'uriTemplate'), ['todo://audit/{id}'])
  upstream.answer = answerJson('{"id":7,"result":{"prompts":[{"name":"weekly"},{"name":"purge"},{"name":"other"}]}}')
  t.strictSame(await namesIn(await gateway.post(token, list('prompts/list')), 'prompts'), ['weekly'])
})

t.test('a list that keeps all its entries is handed on byte for byte, with the headers about its bytes', async (t) => {
  const body = toolList(['get_todo', 'list_todos']) + '\n'
  const headers = { etag: '"v1"', 'cache-control': 'public, max-age=60', 'content-digest': 'sha-256=:x:', 'x-other': 'y' }
  const { gateway, upstream, token } = await startScene(t, { answer: answerJson(body, headers) })
  const whole = await gateway.post(token, list('tools/list'))
  t.equal(await whole.text(), body)
  t.match(Object.fromEntries(whole.headers), { ...headers, 'cache-control': 'no-store' }, 'but for the one that shared caches go by')
  upstream.answer = answerJson(toolList(TOOLS), headers)
  const filtered = await gateway.post(token, list('tools/list'))
  t.match(Object.fromEntries(filtered.headers), { etag: undefined, 'content-digest': undefined, 'cache-control': 'no-store', 'x-other': 'y' }, 'what is not true of the new bytes is gone')
})

t.test('P9: a modern list says that it is private to the caller', async (t) => {
  const { gateway, upstream, token } = await startScene(t, { answer: answerJson(toolList(['get_todo'], ',"resultType":"complete","ttlMs":60000,"cacheScope":"public"')) })
  const meta = { 'io.modelcontextprotocol/protocolVersion': MODERN }
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list' }
  const ask = async (): Promise<{ result: Record<string, unknown> }> => await (await gateway.post(token, list('tools/list', meta), { headers })).json() as { result: Record<string, unknown> }
  t.match(await ask(), { result: { cacheScope: 'private', ttlMs: 60000, nextCursor: 'reset', resultType: 'complete' } })
  upstream.answer = answerJson(toolList(['get_todo']))
  t.match(await ask(), { result: { cacheScope: 'private' } })
  t.notMatch(await (await gateway.post(token, list('tools/list'))).text(), 'cacheScope', 'a legacy one does not')
})

t.test('P9: a list in an event stream is filtered, however the stream is cut', async (t) => {
  const note = '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":{"tools":[{"name":"reset"}]}}}'
  const [before, after] = ((names: readonly string[]) => toolList(names).split(', "id"') as [string, string])(TOOLS)
  const [keptBefore, keptAfter] = toolList(['list_todos', 'get_todo']).split(', "id"') as [string, string]
  for (const end of ['\n', '\r', '\r\n']) {
    const events = [': ping', '', 'id: 0', 'data:', '', `data: ${note}`, 'id: 1', '', 'id: 2', 'event: message', `data:${before},`, `data: "id"${after}`, 'retry: 10', '', ': done', '', ''].join(end)
    const expected = [': ping', '', 'id: 0', 'data:', '', `data: ${note}`, 'id: 1', '', 'id: 2', 'event: message', `data: ${keptBefore},`, `data: "id"${keptAfter}`, 'retry: 10', '', ': done', '', ''].join(end)
    for (const size of [1, 2, 7, 1 << 20]) {
      const { gateway, tokenWith } = await startScene(t, {
        answer: (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'content-length': String(Buffer.byteLength(events)), etag: '"v1"' })
          const write = (at: number): void => {
            if (at >= events.length) response.end()
            else response.write(events.slice(at, at + size), () => write(at + size))
          }
          write(0)
        }
      })
      const response = await gateway.post(await tokenWith({ scope: 'todo:read' }), list('tools/list'))
      t.equal(await response.text(), expected, `${JSON.stringify(end)}, ${size} at a time`)
      t.notOk(response.headers.get('content-length') ?? response.headers.get('etag'))
    }
  }
})

t.test('P9: a list that cannot be read is refused with 502, and never shown', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  const secret = toolList(['secret_tool'])
  const cases: Readonly<Record<string, Answer>> = {
    nothing: answerJson(''),
    'no JSON': answerJson(secret.slice(0, -1)),
    'a duplicate member': answerJson(secret.replace('"tools"', '"tools":[],"tools"')),
    'another spelling': answerJson(secret.replace('"tools"', '"Tools"')),
    'a batch': answerJson(`[${secret}]`),
    'a part': answerJson('{"name":"secret_tool"}', { 'content-range': 'bytes 36-58/90' }, 206),
    'UTF-16': (_request, response) => { response.writeHead(200, { 'content-type': 'application/json; charset=utf-16le' }).end(Buffer.from(secret, 'utf16le')) },
    'a compressed body': answerJson('secret_tool', { 'content-encoding': 'gzip' }),
    'no JSON under another JSON type': answerJson('secret_tool', { 'content-type': 'application/mcp+json' }),
    'plain text': answerJson(secret, { 'content-type': 'text/plain' }),
    'lines of JSON': answerJson(secret + '\n', { 'content-type': 'application/x-ndjson' }),
    'a type that only names JSON': answerJson(secret, { 'content-type': 'text/html; x=application/json' }),
    'two types': answerJson(secret, { 'content-type': 'text/html, application/json' }),
    'a type that only names events': answerJson(`data: ${secret}\n\n`, { 'content-type': 'text/plain; x=text/event-stream' }),
    'JSON or events': answerJson(`data: ${secret}\n\n`, { 'content-type': 'application/json, text/event-stream' }),
    'events or JSON': answerJson(secret, { 'content-type': 'text/event-stream; x=application/json' }),
    'events, which JSON is named for': answerJson(`data: ${secret}\n\n`, { 'content-type': 'text/event-stream; x=application/json' }),
    'JSON or events, with an error': answerJson(secret, { 'content-type': 'application/json, text/event-stream' }, 404),
    'no type': (_request, response) => { response.writeHead(200).end(secret) },
    'an error with a broken list in it': answerJson(secret.slice(0, -1), {}, 500)
  }
  for (const [what, answer] of Object.entries(cases)) {
    upstream.answer = answer
    const response = await gateway.post(token, list('tools/list'))
    const text = await response.text()
    t.equal(response.status, 502, what)
    t.match(JSON.parse(text), { id: 7, error: { code: -32603, data: { error: 'upstream_list_unreadable' } } }, what)
    t.notMatch(text, 'secret_tool', what)
  }
  t.match(await gateway.logged((line) => line['reason'] === 'upstream_list_unreadable'), { httpStatus: 502, client: { method: 'tools/list', detail: /byte/ } })
})

t.test('an upstream that names two types is answered for as well', async (t) => {
  const list = toolList(['secret_tool'])
  const upstream = await startRawUpstream(t, (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Type: text/event-stream\r\nContent-Length: ${list.length + 8}\r\n\r\ndata: ${list}\n\n`))
  const { gateway, token, send } = await startScene(t, { upstreamOrigin: upstream.origin })
  t.equal((await gateway.post(token, { jsonrpc: '2.0', id: 7, method: 'ping' })).status, 200)
  t.equal((await gateway.post(token, { jsonrpc: '2.0', id: 7, method: 'tools/list' })).status, 502)
  t.match(await send({ target: '/mcp' }), { status: 200, body: `data: ${toolList([])}\n\n` })
})

t.test('F4: a list larger than the gateway holds is refused, and the upstream is cut off', async (t) => {
  const closed = defer()
  const { gateway, token } = await startScene(t, {
    answer (_request, response) {
      response.writeHead(200, { 'content-type': 'application/json' }).once('close', () => { closed.resolve() })
      const more = (): void => { if (!response.destroyed) response.write('x'.repeat(1 << 20), more) }
      response.write(toolList(['secret_tool']).slice(0, -3), more)
    }
  })
  const response = await gateway.post(token, list('tools/list'))
  t.equal(response.status, 502)
  t.notMatch(await response.text(), 'secret_tool')
  await closed.promise
})

t.test('P9: an unreadable event breaks the stream off before it is shown', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  const secret = toolList(['secret_tool'])
  for (const event of [`data: ${secret.slice(0, -1)}\n\n`, `data: [${secret}]\n\n`, 'data: secret_tool\n\n', `event: other\ndata: ${secret},\n\n`, `data: ${secret.slice(0, -1)}`]) {
    upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`event: ping\ndata: now\n\nid: 1\ndata:\n\n${event}`) }
    const response = await gateway.post(token, list('tools/list'))
    t.equal(response.status, 200)
    const shown = await readBroken(response)
    t.ok('event: ping\ndata: now\n\nid: 1\ndata:\n\n'.startsWith(shown), 'nothing of it')
  }
  t.match(await gateway.logged((line) => line['reason'] === 'upstream_list_unreadable'), { httpStatus: 200, complete: false })
})

t.test('errors of the upstream are passed on, filtered where they are JSON', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  const error = '{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"bad cursor"}}'
  for (const status of [200, 400, 404, 500]) {
    upstream.answer = answerJson(error, {}, status)
    const response = await gateway.post(token, list('tools/list'))
    t.equal(response.status, status)
    t.equal(await response.text(), error)
  }
  upstream.answer = answerJson(toolList(TOOLS), {}, 500)
  t.strictSame(await namesIn(await gateway.post(token, list('tools/list'))), ['list_todos', 'get_todo', 'delete_todo'], 'a list under a wrong status is one')
  upstream.answer = answerJson('Session not found', { 'content-type': 'text/plain' }, 404)
  const notFound = await gateway.post(token, list('tools/list'))
  t.equal(`${notFound.status} ${await notFound.text()}`, '404 Session not found')
})

t.test('a response without a list in it needs no type', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  upstream.answer = (_request, response) => { response.writeHead(200).end() }
  t.equal((await gateway.post(token, list('tools/list'))).status, 200)
  upstream.answer = (_request, response) => { response.writeHead(204).end() }
  t.equal((await gateway.post(token, list('tools/list'))).status, 204)
  upstream.answer = (_request, response) => { response.writeHead(202).end('Accepted: secret_tool') }
  const accepted = await gateway.post(token, { jsonrpc: '2.0', method: 'tools/list' })
  t.equal(`${accepted.status} ${await accepted.text()}`, '202 ', 'accepted is no response')
  upstream.answer = answerJson(toolList(['secret_tool']))
  t.notMatch(await (await gateway.post(token, { jsonrpc: '2.0', method: 'tools/list' })).text(), 'secret_tool', 'nor may a notification be answered with more')
})

t.test('P9: filterLists: false hands lists on as they come', async (t) => {
  const { gateway, upstream, token } = await startScene(
    t, { config: { policy: { ...POLICY, filterLists: false } } }
  )
  for (const body of [toolList(TOOLS), 'no list']) {
    upstream.answer = answerJson(body)
    t.equal(await (await gateway.post(token, list('tools/list'))).text(), body)
  }
  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${toolList(TOOLS)}\n\n`) }
  t.match(await readStream(gateway, token), 'reset')
})

t.test('P9: the response to a call is not looked into, unless it is an event stream', async (t) => {
  const body = '{"id":7,"result":{"tools":[{"name":"reset"}],"tools":null}}'
  const { gateway, upstream, token } = await startScene(t, { answer: answerJson(body, { 'content-type': 'text/x-odd' }) })
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'get_todo' } }
  t.equal(await (await gateway.post(token, call)).text(), body)
  const result = '{"id":7,"result":{"content":[],"structuredContent":{"a":1,"a":NaN}}}'
  const events = (data: string): Answer => (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${data}\n\n`)
  }
  upstream.answer = events(result)
  t.equal(await (await gateway.post(token, call)).text(), `data: ${result}\n\n`, 'where no list can be, anything may')
  upstream.answer = events(toolList(['get_todo', 'reset']))
  const messages = [call, { ...call, method: 'ping' }, { jsonrpc: '2.0', method: 'notifications/x' }, { jsonrpc: '2.0', id: 7, result: {} }]
  for (const message of messages) {
    t.equal(await (await gateway.post(token, message)).text(), `data: ${toolList(['get_todo'])}\n\n`)
  }
  upstream.answer = events(body)
  t.equal(await readBroken(await gateway.post(token, call)), '')
})

t.test('F4: the progress of a call is handed on at once', async (t) => {
  const opened = defer<ServerResponse>()
  const { gateway, token } = await startScene(t, {
    answer (_request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      opened.resolve(response)
    }
  })
  const response = await gateway.post(token, { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'get_todo' } })
  const upstream = await opened.promise
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  for (const sent of [': keep-alive\n', 'data: {"method":"notifications/progress","params":{"progress":1}}\n\n', 'data: {"id":7,"result":{}}\n\n']) {
    upstream.write(sent)
    t.equal(new TextDecoder().decode((await reader.read()).value), sent)
  }
  await reader.cancel()
})

t.test('P9: a list that is null hides nothing', async (t) => {
  const body = '{"jsonrpc":"2.0","id":7,"result":{"tools":null}}'
  const { gateway, token } = await startScene(t, { answer: answerJson(body) })
  const response = await gateway.post(token, list('tools/list'))
  t.equal(`${response.status} ${await response.text()}`, `200 ${body}`)
})

t.test('a client that leaves while its list is held takes the upstream along', async (t) => {
  const [asked, closed] = [defer(), defer()]
  const { gateway, token } = await startScene(t, {
    answer (_request, response) {
      response.writeHead(200, { 'content-type': 'application/json' }).once('close', () => { closed.resolve() })
      response.write('{"id":7,', () => asked.resolve())
    }
  })
  const leave = new AbortController()
  const pending = gateway.post(token, list('tools/list'), { signal: leave.signal })
  await asked.promise
  leave.abort()
  await t.rejects(pending, { name: 'AbortError' })
  await closed.promise
})

t.test('F7: a list whose body hangs is 504, and the upstream is let go', async (t) => {
  const clock = createTestClock()
  const [asked, closed] = [defer(), defer()]
  const { gateway, token } = await startScene(t, {
    clock,
    config: { limits: { upstreamTimeoutMs: 5000 } },
    answer (_request, response) {
      response.writeHead(200, { 'content-type': 'application/json' }).once('close', () => { closed.resolve() })
      response.write('{"id":7,', () => asked.resolve())
    }
  })
  const before = clock.pending()
  const pending = gateway.post(token, list('tools/list'))
  await asked.promise
  await until(() => clock.pending() > before, 'the body has a time limit')
  clock.advance(5001)
  const response = await pending
  t.equal(response.status, 504)
  t.match(await response.json(), { id: 7, error: { data: { error: 'upstream_timeout' } } })
  await closed.promise
  t.equal(clock.pending(), before)
})

t.test('an upstream that breaks off within a list leaves nothing of it behind', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(toolList(['secret_tool']).slice(0, -1), () => response.destroy())
  }
  const json = await gateway.post(token, list('tools/list'))
  t.equal(json.status, 502)
  t.match(await json.text(), 'upstream_broken')
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`: ping\ndata: ${toolList(['secret_tool'])}\n`, () => response.destroy())
  }
  t.notMatch(await readBroken(await gateway.post(token, list('tools/list'))), 'secret_tool')
})

/** The stream of a GET, until it ends. */
async function readStream (gateway: TestGateway, token: string): Promise<string> {
  const response = await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } })
  return response.status === 200 ? await response.text() : `${response.status}`
}

t.test('P9: a listening stream shows filtered lists, and everything else as it was', async (t) => {
  const { gateway, upstream, token } = await startScene(t, { config: { policy: POLICY } })
  const around = (list: string): string => [
    ': ping', '', 'id: 1', 'data:', '', 'event: clock', 'data: noon', '', 'data: plain text', '', 'data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}', '',
    'data: {"jsonrpc":"2.0","id":2,"result":{"content":[],"structuredContent":{"tools":[{"name":"reset"}]}}}', '', `data: ${list}`, '', 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}', '', ''
  ].join('\r\n')
  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'Text/Event-Stream' }).end(around(toolList(TOOLS))) }
  t.equal(await readStream(gateway, token), around(toolList(['list_todos', 'get_todo', 'delete_todo'])))
  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/plain; text/event-stream' }).end(around(toolList(TOOLS))) }
  t.equal(await readStream(gateway, token), around(toolList(['list_todos', 'get_todo', 'delete_todo'])), 'under a type that lax clients take for it too')
  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end('data') }
  t.equal(await readStream(gateway, token), '502')
  upstream.answer = (_request, response) => { response.writeHead(206, { 'content-type': 'text/event-stream' }).end('data') }
  t.equal(await readStream(gateway, token), '502')
  upstream.answer = answerJson(toolList(TOOLS))
  t.equal(await readStream(gateway, token), toolList(TOOLS), 'what is no stream is nothing that MCP knows')
})

t.test('a listening stream breaks off at what cannot be read', async (t) => {
  const { gateway, upstream, token } = await startScene(t)
  for (const data of ['{"result":{"tools":[{"name":"secret_tool"}]}', '[{"result":{"tools":[{"name":"secret_tool"}]}}]', '{"result":{"tools":[{"name":"get_todo","name":"secret_tool"}]}}', '/**/ {tools:["secret_tool"]}']) {
    upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${data}\n\n`) }
    const response = await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}` } })
    t.equal(await readBroken(response), '')
  }
})

t.test('F4: events and keep-alives of a listening stream arrive while it is open', async (t) => {
  const opened = defer<ServerResponse>()
  const { gateway, token } = await startScene(t, {
    answer (_request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      opened.resolve(response)
    }
  })
  const response = await fetch(gateway.resource, { headers: { authorization: `Bearer ${token}` } })
  const upstream = await opened.promise
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  for (const sent of [': keep-alive\n', 'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n', ': a\n\n']) {
    upstream.write(sent)
    t.equal(new TextDecoder().decode((await reader.read()).value), sent)
  }
  const closed = new Promise((resolve) => upstream.once('close', resolve))
  await reader.cancel()
  await closed
})
