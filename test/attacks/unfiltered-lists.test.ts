// Getting at the list of what one may not use: by asking in another way, or through a response that the
// filter cannot read and the client can. Fell for it: toolhive#5257 (lists in event streams were not
// filtered), gateways that pass on what they cannot parse; neither reference set-up filters (pitfalls 35).
// It fails here because every response to a list request is filtered or refused (P9), and the upstream is
// never asked for a part of a response or a compressed one.
import t from 'tap'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendOne, type WireRequest } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const SECRET = 'purge_everything'
const list = (entries: string): string => `{"jsonrpc":"2.0","id":1,"result":{"tools":[${entries}]}}`
const tool = (name: string): string => `{"name":"${name}","description":"${name}","inputSchema":{"type":"object"}}`
const LIST = list(`${tool('list_todos')},${tool(SECRET)},${tool('get_todo')}`)
const QUESTION = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

const json = (
  body: string | Buffer, headers: Record<string, string> = {}
) => (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)
}
const events = (
  body: string, headers: Record<string, string> = {}
) => (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).end(body)
}

t.test('P9: however it is asked for, a list shows what the caller may use', async (t) => {
  const { gateway, readToken, upstream } = await startScene(t)
  upstream.answer = (request, response) => {
    const body = request.headers['accept-encoding'] === 'identity' ? Buffer.from(LIST) : gzipSync(LIST)
    if (request.headers.accept?.includes('json') === true) response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${body}\n\n`)
  }
  const questions: Record<string, WireRequest> = {
    plain: { headers: ['Accept: application/json'], body: QUESTION },
    'as events': { headers: ['Accept: text/event-stream'], body: QUESTION },
    'with an escaped method': { body: QUESTION.replace('/', '\\u002f') },
    'without an id': { body: QUESTION.replace('"id":1,', '') },
    compressed: { headers: ['Accept: application/json', 'Accept-Encoding: gzip'], body: QUESTION },
    'on another path': { target: '/mcp/x?method=tools/call', body: QUESTION },
    'with parameters': { body: QUESTION.replace('}', ',"params":{"cursor":"x","name":"list_todos"}}') },
    'on the listening stream': { method: 'GET', headers: ['Accept: text/event-stream'] },
    'on a resumed stream': { method: 'GET', headers: ['Accept: text/event-stream', 'Last-Event-ID: 1'] }
  }
  for (const [name, question] of Object.entries(questions)) {
    const { statuses, text } = await sendOne(gateway, { ...question, token: readToken })
    t.same(statuses, [200], name)
    t.match(text, 'list_todos', name)
    t.notMatch(text, SECRET, name)
  }
  t.same(upstream.received.filter(({ headers }) => headers['accept-encoding'] !== 'identity'), [])
})

t.test('P9: a response that the filter and the client could read differently is not handed on', async (t) => {
  const { gateway, readToken, upstream } = await startScene(t)
  const digest = createHash('sha256').update(LIST).digest('base64')
  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    compressed: json(gzipSync(LIST), { 'content-encoding': 'gzip' }),
    'compressed without saying so': json(gzipSync(LIST)),
    'two lists': json(`{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[${tool(SECRET)}]}}`),
    'two results': json(`{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":[${tool(SECRET)}]}}`),
    'a list in another case': json(`{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[${tool(SECRET)}]}}`),
    'two names': json(list(`{"name":"list_todos","name":"${SECRET}"}`)),
    'a name in another case': json(list(`{"name":"list_todos","Name":"${SECRET}"}`)),
    'an escaped name': json(list(tool(SECRET.replace('p', '\\u0070')))),
    'a batch': json(`[${LIST}]`),
    'two documents': json(`${list('')}\n${LIST}`),
    'with a byte order mark': json(`\ufeff${LIST}`),
    'UTF-16': json(Buffer.from(LIST, 'utf16le')),
    'a list that is an object': json(`{"jsonrpc":"2.0","id":1,"result":{"tools":{"0":${tool(SECRET)}}}}`),
    'an entry without a name': json(list(`{"title":"${SECRET}"}`)),
    'an entry that is a string': json(list(`"${SECRET}"`)),
    'not JSON': json(`<${SECRET}>`),
    'another type': (_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end(LIST) },
    'no type': (_request, response) => { response.writeHead(200).end(LIST) },
    'a part': (_request, response) => { response.writeHead(206, { 'content-type': 'application/json', 'content-range': 'bytes 0-9/99' }).end(LIST) },
    'an error with a list': (_request, response) => { response.writeHead(404, { 'content-type': 'application/json' }).end(LIST) },
    'an event of another type': events(`event: x\ndata: ${LIST}\n\n`),
    'an event on several lines': events(`data: ${LIST.replace(',"result"', '\ndata: ,"result"')}\n\n`),
    'an event after a mark': events(`\ufeffdata: ${LIST}\n\n`),
    'an event without a space': events(`data:${LIST}\r\r`),
    'an event that is cut off': events(`data: ${LIST}`),
    'events in another case': events(`Data: ${SECRET}\ndata: ${LIST}\n\n`.replace(`Data: ${SECRET}\n`, 'Data: x\n')),
    'two events': events(`data: ${list('')}\n\ndata: ${LIST}\n\n`),
    'bare JSON as an event': events(`${LIST}\n\n`),
    'bare JSON before an event': events(`${LIST}\ndata: {}\n\n`),
    'bare JSON in a stream that is cut off': events(LIST),
    'a field after a space': events(` data: ${LIST}\n\n`),
    'a field in another case': events(`Data: ${LIST}\n\n`),
    'a field with a space after it': events(`data : ${LIST}\n\n`),
    'such a field beside a good one': events(`data: ${list('')}\n data: ${LIST}\n\n`),
    'a late byte order mark': events(`: x\n\n\ufeffdata: ${LIST}\n\n`),
    'two byte order marks': events(`\ufeff\ufeffdata: ${LIST}\n\n`),
    'a line in a comment, for readers of Python': events(`: x\u2028data: ${LIST}\n\n`),
    'a line in an id, for readers of Python': events(`id: x\u0085data: ${LIST}\ndata: {}\n\n`),
    'a list in UTF-7': events(`data: ${LIST.replaceAll('{', '+AHs-').replaceAll('[', '+AFs-')}\n\n`, { 'content-type': 'text/event-stream; charset="UTF-7"' }),
    'a compressed stream': events(`data: ${LIST}\n\n`, { 'content-encoding': 'br' }),
    'with a digest': json(LIST, { etag: '"1"', digest: `sha-256=${digest}`, 'cache-control': 'public' })
  }
  for (const [name, answer] of Object.entries(answers)) {
    upstream.answer = answer
    const { text } = await sendOne(gateway, { token: readToken, body: QUESTION })
    t.notMatch(text, new RegExp(`${SECRET}|urge_everything|${digest.slice(0, 20).replace(/[+/]/g, '.')}`), name)
    t.notOk(text.includes(Buffer.from(SECRET, 'utf16le').toString('latin1')), name)
    t.notMatch(text, /cache-control: public/i, name)
  }
})
