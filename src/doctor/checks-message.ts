import { fail, mcp, pass, skip, warn, type Check, type Outcome } from './check.js'
import type { Context } from './context.js'
import { isSuccess, type Answer } from './exchange.js'
import { readRpc, type Message, type RpcAnswer } from './messages.js'
import { quote } from './quote.js'
import { readChallenges } from './www-authenticate.js'

const TRANSPORT = 'basic/transports/streamable-http'
const HEADER_MISMATCH = -32020
/** Batches were allowed before (MCP 2025-06-18, changelog). */
const FIRST_WITHOUT_BATCHES = '2025-06-18'

/** How messages of somebody with a token are treated. None of them changes anything. */
export const messageChecks: ReadonlyArray<Check<Context>> = [
  {
    id: 'tools-list',
    title: 'The tools can be listed with the token',
    clause: mcp('server/tools', 'Listing Tools'),
    severity: 'info',
    advice: '',
    run: toolsList
  },
  {
    id: 'header-mismatch',
    title: 'An Mcp-Method that contradicts the body is answered 400, -32020',
    clause: mcp(TRANSPORT, 'Server Validation'),
    severity: 'must',
    advice: 'Compare Mcp-Method, Mcp-Name and MCP-Protocol-Version with the body, and decide from the body. Whoever routes or limits by the headers is deceived otherwise.',
    run: headerMismatch
  },
  {
    id: 'batch',
    title: 'A JSON-RPC batch is refused',
    clause: `${mcp(TRANSPORT, 'Sending Messages (4)')}; MCP 2025-06-18, Key Changes`,
    severity: 'must',
    advice: 'Answer 400 to an array. A check that looks at body.method passes over everything in it.',
    run: async (context) => {
      const { legacy } = await context.session()
      if (legacy !== undefined && legacy.version < FIRST_WITHOUT_BATCHES) return skip(`revision ${legacy.version} has batches`)
      return expectRefused(context, ({ headers, body }) => ({ headers, body: `[${body}]` }))
    }
  },
  {
    id: 'duplicate-members',
    title: 'A message in which a member occurs twice is refused',
    clause: 'RFC 8259 §4',
    severity: 'should',
    advice: 'Refuse it, or let one and the same parser read what is checked and what is executed: parsers disagree about which of the two counts.',
    run: (context) => expectRefused(context, ({ headers, body }) => ({ headers, body: body.replace('{', '{"jsonrpc":"2.0",') }))
  },
  {
    id: 'unknown-tool',
    title: 'A call of a tool that does not exist has no success',
    clause: `${mcp('server/tools', 'Error Handling')}; ${mcp('basic/authorization', 'Error Handling')}`,
    severity: 'must',
    advice: 'Answer 403 where the policy does not know the tool, otherwise a JSON-RPC error. 401 would send clients into a login that changes nothing.',
    run: async (context) => judgeUnknownTool(await context.unknownTool())
  },
  {
    id: 'step-up-challenge',
    title: 'A 403 for missing scopes says which ones, in a complete challenge',
    clause: `${mcp('basic/authorization', 'Scope Challenge Handling')}; RFC 6750 §3.1`,
    severity: 'should',
    advice: 'Send WWW-Authenticate: Bearer error="insufficient_scope", scope="<all that the operation needs>", resource_metadata="...". Without it no client can ask for more.',
    run: async (context) => judgeStepUp(await context.unknownTool())
  }
]

function post (context: Context, message: Message): Promise<Answer> {
  return context.post(message, { authorization: [`Bearer ${context.token}`] })
}

async function toolsList (context: Context): Promise<Outcome> {
  const answer = await post(context, (await context.session()).request('tools/list'))
  const rpc = readRpc(answer)
  const tools = rpc?.kind === 'result' ? rpc.result['tools'] : undefined
  return Array.isArray(tools) ? pass(`${tools.length} on the first page`) : skip(describe(answer, rpc))
}

async function headerMismatch (context: Context): Promise<Outcome> {
  const { legacy, harmless } = await context.session()
  if (legacy !== undefined) return skip(`the server speaks ${legacy.version}, which has no such header`)
  const headers = harmless.headers.map(([name, value]) => name === 'Mcp-Method' ? [name, 'tools/list'] as const : [name, value] as const)
  const answer = await post(context, { ...harmless, headers })
  const rpc = readRpc(answer)
  if (answer.status !== 400) return fail(describe(answer, rpc))
  return rpc?.kind === 'error' && rpc.code === HEADER_MISMATCH ? pass() : warn(describe(answer, rpc))
}

async function expectRefused (context: Context, spoil: (message: Message) => Message): Promise<Outcome> {
  const { harmless } = await context.session()
  const answer = await post(context, spoil(harmless))
  const rpc = readRpc(answer)
  if (!isSuccess(answer)) return answer.status < 500 ? pass(`${answer.status}`) : fail(describe(answer, rpc))
  return rpc?.kind === 'error' ? warn(describe(answer, rpc)) : fail(describe(answer, rpc))
}

function judgeUnknownTool (answer: Answer): Outcome {
  const rpc = readRpc(answer)
  if (answer.status === 401 || answer.status >= 500) return fail(describe(answer, rpc))
  if (!isSuccess(answer)) return pass(describe(answer, rpc))
  const isError = rpc?.kind === 'error' || (rpc?.kind === 'result' && rpc.result['isError'] === true)
  return isError ? pass(describe(answer, rpc)) : fail(describe(answer, rpc))
}

function judgeStepUp (answer: Answer): Outcome {
  if (answer.status !== 403) return skip(`the call of an unknown tool is answered ${answer.status}`)
  const challenges = readChallenges(answer)
  if (challenges.kind === 'malformed') return warn(`cannot be parsed: ${quote(challenges.value)}`)
  const [bearer, ...more] = challenges.kind === 'parsed' ? challenges.bearer : []
  if (bearer === undefined) {
    return answer.text.includes('insufficient_scope') ? warn('insufficient_scope stands in the body alone') : skip('the tool is denied for good: no scope would help')
  }
  if (more.length > 0) return warn(`${more.length + 1} Bearer challenges`)
  const error = bearer.parameters.get('error')
  if (error !== 'insufficient_scope') return warn(`error=${quote(error)}`)
  const missing = ['scope', 'resource_metadata'].filter((name) => (bearer.parameters.get(name) ?? '') === '')
  return missing.length === 0 ? pass(quote(bearer.parameters.get('scope'))) : warn(`missing: ${missing.join(', ')}`)
}

function describe ({ status }: Answer, rpc: RpcAnswer | undefined): string {
  if (rpc?.kind === 'error') return `answered ${status} with JSON-RPC error ${quote(rpc.code)}`
  return rpc?.kind === 'result' ? `answered ${status} with a result` : `answered ${status}`
}
