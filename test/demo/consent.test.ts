import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import t, { type Test } from 'tap'
import { decodeJwt } from 'jose'
import { startAuthorizationServer } from '../../demo/authorization-server.js'

const resource = 'http://localhost:3002/mcp'
const redirectUrl = 'http://localhost:9876/callback'

interface Page {
  readonly status: number | undefined
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

/** Sends one request with exactly these cookies; follows no redirect. */
function open (url: string | URL, cookies: readonly string[] = [], form?: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: cookies.join('; '),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' })
      }
    }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
        .on('end', () => { resolve({ status: response.statusCode, headers: response.headers, text }) })
    })
    request.on('error', reject).end(form)
  })
}

function cookiesOf (page: Page): string[] {
  return (page.headers['set-cookie'] as string[] | undefined ?? []).map(
    (header) => header.split(';')[0] ?? ''
  )
}

interface Pending {
  readonly url: URL
  readonly cookies: string[]
  redeem (location: string): Promise<string>
}

/** Starts a server, registers a client and follows its authorization request to the consent page. */
async function reachPage (
  t: Test, clientName = 'Some client', scope = 'todo:read todo:write'
): Promise<Pending> {
  const server = await startAuthorizationServer({
    port: 0, resources: [{ resource, scopes: ['todo:read', 'todo:write'] }]
  })
  t.teardown(() => server.close())
  const registration = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: clientName, redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none'
    })
  })
  const { client_id: clientId } = await registration.json() as { client_id: string }
  const verifier = 'v'.repeat(43)
  const url = new URL(`${server.issuer}/auth`)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUrl,
    scope,
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256'
  }).toString()
  const redirect = await open(url)

  return {
    url: new URL(String(redirect.headers.location), server.issuer),
    cookies: cookiesOf(redirect),
    async redeem (location) {
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        code: new URL(location).searchParams.get('code') ?? '',
        client_id: clientId,
        redirect_uri: redirectUrl,
        code_verifier: verifier
      })
      const response = await fetch(`${server.issuer}/token`, { method: 'POST', body })
      return (await response.json() as { access_token: string }).access_token
    }
  }
}

/** Posts the form and follows redirects up to the one that leads to the client. */
async function decide ({ url, cookies }: Pending, form: string): Promise<string> {
  const posted = await open(url, cookies, form)
  const next = new URL(String(posted.headers.location), url)
  const resumed = await open(next, [...cookies, ...cookiesOf(posted)])
  return String(resumed.headers.location)
}

t.test('the page says that it is a demo, who asks for what, and loads nothing', async (t) => {
  const { url, cookies } = await reachPage(t)
  const page = await open(url, cookies)
  t.equal(page.status, 200)
  t.match(page.text, /This is a demo authorization server/)
  for (const text of ['Some client', 'localhost:9876', resource, 'value="todo:read"', 'value="todo:write"']) {
    t.ok(page.text.includes(text), text)
  }
  t.match(page.headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/)
  t.notMatch(page.text, /src=|@import|<script/)
})

t.test('the name of a client is text, whatever it contains', async (t) => {
  const { url, cookies } = await reachPage(t, '<script>alert("1")</script>\'&')
  const { text } = await open(url, cookies)
  t.ok(text.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;'))
  t.notMatch(text, /<script/)
})

t.test('after "Allow" the client gets a token for the ticked scopes', async (t) => {
  const pending = await reachPage(t)
  const token = await pending.redeem(await decide(pending, 'account=ada&scope=todo:read&decision=allow'))
  t.match(decodeJwt(token), { sub: 'ada', scope: 'todo:read', aud: resource })
})

t.test('a scope that was not asked for cannot be ticked', async (t) => {
  const pending = await reachPage(t, 'Some client', 'todo:read')
  const token = await pending.redeem(await decide(
    pending, 'account=ada&scope=todo:read&scope=todo:write&decision=allow'
  ))
  t.equal(decodeJwt(token)['scope'], 'todo:read')
})

t.test('after "Deny" the client gets no code', async (t) => {
  for (const form of ['account=ada&scope=todo:read&decision=deny', 'account=ada&scope=todo:read']) {
    const location = new URL(await decide(await reachPage(t), form))
    t.equal(location.searchParams.get('error'), 'access_denied')
    t.equal(location.searchParams.get('code'), null)
  }
})

t.test('a decision without the cookie of the browser that was asked is refused', async (t) => {
  const pending = await reachPage(t)
  const other = await reachPage(t)
  const form = 'account=mallory&scope=todo:read&decision=allow'
  t.equal((await open(pending.url, [], form)).status, 400)
  t.equal((await open(pending.url, other.cookies, form)).status, 400)
  t.equal((await open(pending.url)).status, 400, 'nor is the page shown')
})

t.test('a login without a name, or with an enormous form, is refused', async (t) => {
  const { url, cookies } = await reachPage(t)
  t.equal((await open(url, cookies, 'account=+&scope=todo:read&decision=allow')).status, 400)
  t.equal((await open(url, cookies, `account=${'a'.repeat(20_000)}&decision=allow`)).status, 400)
})
