// A cache between the client and the gateway that keeps an answer and gives it to somebody without a token: because the
// upstream, which knows of no credentials, called it public; or because a path was made to look like a file.
// Fell for it: web cache deception (Omer Gil 2017; CVE-2024-46982 in Next.js is of the kind), every protected path behind a
// CDN that goes by Cache-Control (RFC 9111 §3.5).
// It fails here because such an answer is marked as not to be stored, and so is every refusal.
import t from 'tap'
import { PERMITTED_CALL, sendOne, setScene } from './setup.js'

t.test('F9: what the upstream calls public is not to be stored', async (t) => {
  const { gateway, token, upstream } = await setScene(t)
  const cases: ReadonlyArray<readonly [given: string | undefined, told: RegExp | undefined]> = [
    ['public, max-age=31536000', /^no-store$/], ['PUBLIC', /^no-store$/], ['s-maxage=60', /^no-store$/], ['max-age=60, must-revalidate', /^no-store$/], ['max-age=60, immutable, public', /^no-store$/],
    ['private, max-age=60', /^private, max-age=60$/], ['no-cache, no-store, must-revalidate', /^no-cache, no-store, must-revalidate$/], ['no-cache', /^no-cache$/], ['max-age=60', /^max-age=60$/], [undefined, undefined]
  ]
  for (const [given, told] of cases) {
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', ...(given === undefined ? {} : { 'cache-control': given }) }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
    }
    for (const request of [{ body: PERMITTED_CALL }, { method: 'GET', target: '/mcp/logo.png' }]) {
      const { text } = await sendOne(gateway, { ...request, token })
      const value = /\r\ncache-control: ([^\r]*)\r\n/i.exec(text)?.[1]
      if (told === undefined) t.equal(value, undefined)
      else t.match(value, told, `${given} becomes ${value}`)
    }
  }
})

t.test('a refusal is not to be stored', async (t) => {
  const { gateway, readToken } = await setScene(t)
  for (const request of [{}, { method: 'GET' }, { method: 'GET', target: '/mcp/logo.png' }, { token: 'x.y.z' }, { token: readToken, body: PERMITTED_CALL.replace('list_todos', 'delete_todo') }, { token: readToken, body: '[' }, { method: 'PUT', token: readToken }, { target: '/x' }]) {
    const { statuses, text } = await sendOne(gateway, request)
    t.ok((statuses[0] ?? 0) >= 400)
    t.match(text, /\r\ncache-control: no-store\r\n/i, `${statuses[0]}`)
  }
})
