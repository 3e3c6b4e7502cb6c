import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import type { Context } from './context.js'
import { isSuccess, type HttpResponse } from './exchange.js'
import { readRpc, type Message, type RpcResponse } from './messages.js'
import { quote } from './quote.js'
import { readChallenges } from './www-authenticate.js'

const TRANSPORT = 'basic/transports/streamable-http'
const HEADER_MISMATCH = -32020
/** Earlier revisions allowed batches (MCP 2025-06-18, changelog). */
const FIRST_WITHOUT_BATCHES = '2025-06-18'

/** Checks of the responses to messages that come with a token. None of the messages changes anything. */
export const messageChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'tools-list',
    title: 'The tools can be listed with the token',
    clause: mcp('server/tools', 'Listing Tools'),
    severity: 'info',
    advice: '',
    run: examineToolsList
  },
  {
    id: 'header-mismatch',
    title: 'An Mcp-Method that contradicts the body is answered 400, -32020',
    clause: mcp(TRANSPORT, 'Server Validation'),
    severity: 'must',
    advice: 'Compare Mcp-Method, Mcp-Name and MCP-Protocol-Version with the body, and decide from the ' +
      'body. Otherwise a proxy that routes or limits by these headers is deceived.',
    run: examineHeaderMismatch
  },
  {
    id: 'batch',
    title: 'A JSON-RPC batch is refused',
    clause: `${mcp(TRANSPORT, 'Sending Messages (4)')}; MCP 2025-06-18, Key Changes`,
    severity: 'must',
    advice: 'Answer 400 to an array. A rule that looks at body.method misses everything in it.',
    run: async (context) => {
      const { legacy } = await context.session()
      if (legacy !== undefined && legacy.version < FIRST_WITHOUT_BATCHES) {
        return skip(`revision ${legacy.version} has batches`)
      }
      return expectRefused(context, ({ headers, body }) => ({ headers, body: `[${body}]` }))
    }
  },
  {
    id: 'duplicate-members',
    title: 'A message in which a member occurs twice is refused',
    clause: 'RFC 8259 §4',
    severity: 'should',
    advice: 'Refuse it, or let one parser read both what is authorized and what is executed: parsers ' +
      'disagree about which of the two members counts.',
    run: (context) => expectRefused(context, ({ headers, body }) => (
      { headers, body: body.replace('{', '{"jsonrpc":"2.0",') }
    ))
  },
  {
    id: 'unknown-tool',
    title: 'A call of a tool that does not exist has no success',
    clause: `${mcp('server/tools', 'Error Handling')}; ${mcp('basic/authorization', 'Error Handling')}`,
    severity: 'must',
    advice: 'Answer 403 when the policy does not know the tool, otherwise a JSON-RPC error. After 401 ' +
      'clients would log in again, which changes nothing.',
    run: async (context) => examineUnknownTool(await context.unknownTool())
  },
  {
    id: 'step-up-challenge',
    title: 'A 403 for missing scopes says which ones, in a complete challenge',
    clause: `${mcp('basic/authorization', 'Scope Challenge Handling')}; RFC 6750 §3.1`,
    severity: 'should',
    advice: 'Send WWW-Authenticate: Bearer error="insufficient_scope", scope="<all that the operation ' +
      'needs>", resource_metadata="...". Without it no client can ask for more.',
    run: async (context) => examineStepUp(await context.unknownTool())
  }
]

function postWithToken (context: Context, message: Message): Promise<HttpResponse> {
  return context.post(message, { authorization: [`Bearer ${context.token}`] })
}

async function examineToolsList (context: Context): Promise<Outcome> {
  const response = await postWithToken(context, (await context.session()).request('tools/list'))
  const rpc = readRpc(response)
  const tools = rpc?.kind === 'result' ? rpc.result['tools'] : undefined
  return Array.isArray(tools) ? pass(`${tools.length} on the first page`) : skip(describe(response, rpc))
}

async function examineHeaderMismatch (context: Context): Promise<Outcome> {
  const { legacy, harmless } = await context.session()
  if (legacy !== undefined) return skip(`the server speaks ${legacy.version}, which has no such header`)
  const headers = harmless.headers
    .map(([name, value]) => [name, name === 'Mcp-Method' ? 'tools/list' : value] as const)
  const response = await postWithToken(context, { ...harmless, headers })
  const rpc = readRpc(response)
  if (response.status !== 400) return fail(describe(response, rpc))
  return rpc?.kind === 'error' && rpc.code === HEADER_MISMATCH ? pass() : warn(describe(response, rpc))
}

async function expectRefused (context: Context, spoil: (message: Message) => Message): Promise<Outcome> {
  const { harmless } = await context.session()
  const response = await postWithToken(context, spoil(harmless))
  const rpc = readRpc(response)
  const seen = describe(response, rpc)
  if (!isSuccess(response)) return response.status < 500 ? pass(`${response.status}`) : fail(seen)
  return rpc?.kind === 'error' ? warn(seen) : fail(seen)
}

function examineUnknownTool (response: HttpResponse): Outcome {
  const rpc = readRpc(response)
  const seen = describe(response, rpc)
  if (response.status === 401 || response.status >= 500) return fail(seen)
  if (!isSuccess(response)) return pass(seen)
  const isError = rpc?.kind === 'error' || (rpc?.kind === 'result' && rpc.result['isError'] === true)
  return isError ? pass(seen) : fail(seen)
}

function examineStepUp (response: HttpResponse): Outcome {
  if (response.status !== 403) return skip(`the call of an unknown tool is answered ${response.status}`)
  const challenges = readChallenges(response)
  if (challenges.kind === 'malformed') return warn(`cannot be parsed: ${quote(challenges.value)}`)
  const [bearer, ...more] = challenges.kind === 'parsed' ? challenges.bearer : []
  if (bearer === undefined) {
    return response.text.includes('insufficient_scope')
      ? warn('insufficient_scope is only in the body, not in a challenge')
      : skip('the tool is denied for good: no scope would help')
  }
  if (more.length > 0) return warn(`${more.length + 1} Bearer challenges`)
  const error = bearer.parameters.get('error')
  if (error !== 'insufficient_scope') return warn(`error=${quote(error)} (expected "insufficient_scope")`)
  const missing = ['scope', 'resource_metadata'].filter((name) => (bearer.parameters.get(name) ?? '') === '')
  if (missing.length > 0) return warn(`missing: ${missing.join(', ')}`)
  return pass(quote(bearer.parameters.get('scope')))
}

function describe ({ status }: HttpResponse, rpc: RpcResponse | undefined): string {
  if (rpc?.kind === 'error') return `answered ${status} with JSON-RPC error ${quote(rpc.code)}`
  return rpc?.kind === 'result' ? `answered ${status} with a result` : `answered ${status}`
}
