// The mirrored headers say one thing and the body another, so that whatever routes, limits or logs by the
// headers sees a harmless call and the upstream runs a different one; or a header chooses a weaker check.
// Fell for it: WSO2 open-mcp-auth-proxy lets MCP-Protocol-Version switch the audience check off (peers);
// neither reference set-up compares the headers (pitfalls 33); the revision itself requires it (streamable
// HTTP, Server Validation). It fails here because a modern message must repeat itself exactly (M5), and a
// decision is made from the body alone (M7).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, refuses, stillWorks } from './assertions.js'

const VERSION = '2026-07-28'
const MISMATCH = { status: 400, code: -32020 }

const withVersion = (version: string | null): string => version === null ? '' : `"_meta":{"io.modelcontextprotocol/protocolVersion":${JSON.stringify(version)}},`
const call = (name: string, version: string | null = VERSION): string => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{${withVersion(version)}"name":${JSON.stringify(name)}}}`
const encoded = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

t.test('M5: headers that contradict the body are refused, and so are those that are missing, repeated or malformed', async (t) => {
  const scene = await startScene(t)
  const attacks: ReadonlyArray<readonly [headers: string[], body: string]> = [
    // the headers name something harmless
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/list', 'Mcp-Name: list_todos'], call('delete_todo')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('delete_todo')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: delete_todo'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', `Mcp-Name: ${encoded('list_todos')}`], call('delete_todo')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: Tools/Call', 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, `Mcp-Method: ${encoded('tools/call')}`, 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: LIST_TODOS'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos ')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: "list_todos"'], call('list_todos')],
    // missing
    [[`MCP-Protocol-Version: ${VERSION}`], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Name: list_todos'], call('list_todos')],
    [['Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos')],
    [[], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method:', 'Mcp-Name: list_todos'], call('list_todos')],
    // another version
    [['MCP-Protocol-Version: 2025-06-18', 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos', '2025-06-18')],
    [['MCP-Protocol-Version: 2027-01-01', 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}, 2025-06-18`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos')],
    // repeated, or spelt so that CGI merges them
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos', 'Mcp-Name: delete_todo'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos', 'mcp-name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Method: tools/list', 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'MCP-Protocol-Version: 2025-06-18', 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos', 'Mcp_Name: delete_todo'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp_Name: list_todos'], call('list_todos')],
    [[`MCP_Protocol_Version: ${VERSION}`, 'Mcp_Method: tools/call', 'Mcp_Name: list_todos'], call('list_todos')],
    // named away from the connection
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos', 'Connection: mcp-name'], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos', 'Connection: close', 'connection: X-A,\tMCP-Protocol-Version'], call('list_todos')],
    [['Mcp-Param-Region: eu', 'Connection: keep-alive, Mcp-Param-Region'], call('list_todos', null)],
    // malformed
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?bGlzdF90b2Rvcw?='], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?bGlz dF90b2Rvcw==?='], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?bGlzdF90b2Rvcz==?='], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?bGlzdF90b2Rvcw==bGlz?='], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?_w==?='], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: =?base64?/w==?='], call('\ufffd')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', `Mcp-Name: ${encoded('list_todos').replace('base64', 'BASE64')}`], call('list_todos')],
    [[`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list\u00e9'], call('list\u00e9')],
    [['Mcp-Param-Region: \u00e9'], call('list_todos', null)],
    [['Mcp-Param-Region: =?base64?*?='], call('list_todos', null)]
  ]
  for (const [headers, body] of attacks) await refuses(t, scene, `${headers.join(' | ')} with ${body}`, { token: scene.token, headers, body }, MISMATCH)
  const unversioned = { token: scene.token, headers: [`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], body: call('list_todos', null) }
  await refuses(t, scene, 'a body without the version that the header names', unversioned, { status: 400, code: -32602 })
  await stillWorks(t, scene)
})

t.test('M5: on legacy traffic the headers may be absent but not lie', async (t) => {
  const scene = await startScene(t)
  const legacy = (headers: string[], name = 'list_todos') => ({ token: scene.token, headers, body: call(name, null) })
  await refuses(t, scene, 'another method', legacy(['MCP-Protocol-Version: 2025-06-18', 'Mcp-Method: tools/list']), MISMATCH)
  await refuses(t, scene, 'another name', legacy(['Mcp-Name: list_todos'], 'delete_todo'), MISMATCH)
  await permits(t, scene, 'the same', legacy(['Mcp-Method: tools/call', 'Mcp-Name: list_todos']))
  await permits(t, scene, 'none', legacy([]))
})

t.test('M5: a path that only looks like a message endpoint frees no message from its headers', async (t) => {
  const scene = await startScene(t)
  const body = call('list_todos')
  for (const target of ['/mcp/~endpoint/', '/mcp/~endpoint/AAAA', `/mcp/~endpoint/${Buffer.alloc(60).toString('base64url')}`]) {
    await refuses(t, scene, target, { token: scene.token, target, body }, { status: 404 })
  }
  for (const target of ['/mcp/%7Eendpoint/AAAA', '/mcp/x/~endpoint/AAAA', '/mcp/~endpoint', '/mcp?/~endpoint/AAAA', '/mcp//~endpoint/AAAA']) {
    await refuses(t, scene, target, { token: scene.token, target, body }, { status: 400 })
  }
})

t.test('M7: headers that agree permit nothing by themselves, and no version weakens a check', async (t) => {
  const scene = await startScene(t)
  const foreign = await scene.issuer.token({ aud: 'https://other.example/mcp' })
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '1.0', '', 'DRAFT-2026', '9999-99-99', '2026-7-28', 'null', '2026-07-28\t']) {
    const headers = [`MCP-Protocol-Version: ${version}`]
    const shown = JSON.stringify(version)
    await refuses(t, scene, `${shown}, no token`, { headers, body: call('list_todos', null) }, { status: 401 })
    await refuses(t, scene, `${shown}, a token for another resource`, { token: foreign, headers, body: call('list_todos', null) }, { status: 401 })
    const status = version === '2026-07-28\t' ? 400 : 403
    await refuses(t, scene, `${shown}, a scope missing`, { token: scene.readToken, headers, body: call('delete_todo', null) }, { status })
  }
  await refuses(t, scene, 'a modern call without its scope', { token: scene.readToken, headers: [`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', 'Mcp-Name: delete_todo'], body: call('delete_todo') }, { status: 403, code: 403 })
  await permits(t, scene, 'a modern call with it', { token: scene.token, headers: [`MCP-Protocol-Version: ${VERSION}`, 'Mcp-Method: tools/call', `Mcp-Name: ${encoded('delete_todo')}`], body: call('delete_todo') })
})
