// The compose file's three servers as a client on the host sees them: `node through-gateway.mjs CASE` runs one case and
// exits 0 or 1, `--title CASE` prints what the case proves.
import assert from 'node:assert/strict'

const resource = 'http://localhost:3002/mcp'
const issuer = 'http://localhost:9000'
const metadataUrl = 'http://localhost:3002/.well-known/oauth-protected-resource/mcp'
const revision = '2026-07-28'
const meta = {
  'io.modelcontextprotocol/protocolVersion': revision,
  'io.modelcontextprotocol/clientInfo': { name: 'container-test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

async function fetchAccessToken (scope) {
  const { token_endpoint: endpoint } = await fetchJson(`${issuer}/.well-known/openid-configuration`)
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('postern-demo:postern-demo-secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource })
  })
  const body = await response.json()
  assert.equal(response.status, 200, JSON.stringify(body))
  return body.access_token
}

async function fetchJson (url) {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  return response.json()
}

function post (method, params, accessToken) {
  return fetch(resource, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': method,
      ...(params.name === undefined ? {} : { 'mcp-name': params.name }),
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` })
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } })
  })
}

async function callTool (name, toolArguments, accessToken) {
  const response = await post('tools/call', { name, arguments: toolArguments }, accessToken)
  const text = await response.text()
  const events = text.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5))
  return { response, message: JSON.parse(events.at(-1) ?? text) }
}

const cases = {
  challenge: {
    title: 'a call without a token gets 401 and the way to a token',
    async run () {
      const { response } = await callTool('list_todos', {})
      assert.equal(response.status, 401)
      assert.match(response.headers.get('www-authenticate'), /^Bearer /)
      assert.ok(response.headers.get('www-authenticate').includes(`resource_metadata="${metadataUrl}"`))
    }
  },
  metadata: {
    title: 'the protected resource metadata names the resource and the issuer as the host sees them',
    async run () {
      const document = await fetchJson(metadataUrl)
      assert.equal(document.resource, resource)
      assert.deepEqual(document.authorization_servers, [issuer])
    }
  },
  mirror: {
    title: 'the mirrored authorization server metadata holds no name that only containers know',
    async run () {
      const document = await fetchJson('http://localhost:3002/.well-known/oauth-authorization-server')
      assert.equal(document.issuer, issuer)
      assert.ok(!JSON.stringify(document).includes('//authorization-server'), JSON.stringify(document))
    }
  },
  call: {
    title: 'with a token of the authorization server a tool can be called',
    async run () {
      const accessToken = await fetchAccessToken('todo:read todo:write')
      const created = await callTool('create_todo', { title: 'Written through the gateway' }, accessToken)
      assert.equal(created.response.status, 200, JSON.stringify(created.message))
      const listed = await callTool('list_todos', {}, accessToken)
      assert.ok(JSON.stringify(listed.message.result).includes('Written through the gateway'), JSON.stringify(listed.message))
    }
  },
  refusal: {
    title: 'a token that may only read is refused where writing is needed, with the missing scope named',
    async run () {
      const { response } = await callTool('create_todo', { title: 'no' }, await fetchAccessToken('todo:read'))
      assert.equal(response.status, 403)
      assert.match(response.headers.get('www-authenticate'), /error="insufficient_scope"/)
      assert.match(response.headers.get('www-authenticate'), /scope="[^"]*todo:write/)
    }
  },
  listen: {
    title: 'a listening stream is handed on from its first event to its end',
    async run () {
      const response = await post('subscriptions/listen', { notifications: { toolsListChanged: true } }, await fetchAccessToken('todo:read'))
      assert.equal(response.status, 200)
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) console.log(chunk)
    }
  },
  'reading-forbidden': {
    title: 'after the change of the configuration nobody may list todos',
    async run () {
      const { response } = await callTool('list_todos', {}, await fetchAccessToken('todo:read'))
      assert.equal(response.status, 403)
    }
  }
}

const [first, second] = process.argv.slice(2)
if (first === '--title') console.log(cases[second].title)
else await cases[first].run()
