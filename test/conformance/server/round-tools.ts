import {
  CLIENT_CAPABILITIES_META_KEY, inputRequired, type CallToolResult, type ClientCapabilities,
  type InputRequiredResult, type McpServer, type ServerContext
} from '@modelcontextprotocol/server'
import {
  areAnswered, askConsent, askModel, askRoots, askUser, requestsOf, type Questions
} from './questions.js'

/** Comes back with the responses: which tool asked, and in which round. */
export interface RoundState {
  readonly tool: string
  readonly round: number
}

/** A tool that needs responses before it completes (SEP-2322). */
interface RoundTool {
  readonly name: string
  readonly description: string
  /** What it asks in turn; more than one round needs state. */
  readonly rounds: readonly [Questions, ...Questions[]]
  readonly keepsState?: true
}

type Seal = (state: RoundState) => Promise<string>

const ROUND_TOOLS: readonly RoundTool[] = [
  {
    name: 'test_missing_capability',
    description: 'Needs the client\'s model (SEP-2575)',
    rounds: [{ pong: askModel('Answer with the word pong') }]
  },
  {
    name: 'test_input_required_result_elicitation',
    description: 'Asks the user',
    rounds: [{ user_name: askUser('What is your name?', 'name') }]
  },
  {
    name: 'test_input_required_result_sampling',
    description: 'Asks the client\'s model',
    rounds: [{ capital_question: askModel('What is the capital of France?') }]
  },
  {
    name: 'test_input_required_result_list_roots',
    description: 'Asks for the client\'s roots',
    rounds: [{ client_roots: askRoots() }]
  },
  {
    name: 'test_input_required_result_request_state',
    description: 'Asks the user, and wants its state back with the response',
    rounds: [{ confirm: askConsent() }],
    keepsState: true
  },
  {
    name: 'test_input_required_result_tampered_state',
    description: 'Asks the user, and refuses a state that is not its own',
    rounds: [{ confirm: askConsent() }],
    keepsState: true
  },
  {
    name: 'test_input_required_result_multiple_inputs',
    description: 'Asks the user, the model and for roots at once',
    rounds: [{
      user_name: askUser('What is your name?', 'name'),
      greeting: askModel('Generate a greeting'),
      client_roots: askRoots()
    }],
    keepsState: true
  },
  {
    name: 'test_input_required_result_multi_round',
    description: 'Asks the user twice',
    rounds: [
      { step1: askUser('Step 1: What is your name?', 'name') },
      { step2: askUser('Step 2: What is your favorite color?', 'color') }
    ],
    keepsState: true
  }
]

/** Registers the tools that ask in their result and complete when the call is repeated with responses. */
export function registerRoundTools (server: McpServer, seal: Seal): void {
  for (const tool of ROUND_TOOLS) {
    const { name, description } = tool
    server.registerTool(name, { description }, (context) => play(tool, context, seal))
  }
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks only what the client says it can answer' },
    askAsDeclared
  )
}

async function play (
  tool: RoundTool, context: ServerContext, seal: Seal
): Promise<CallToolResult | InputRequiredResult> {
  const { name, rounds, keepsState } = tool
  const asked = keepsState === true ? roundOf(name, context) : 0
  const isAnswered = asked !== undefined && areAnswered(rounds[asked] ?? rounds[0], context)
  const round = asked === undefined ? 0 : isAnswered ? asked + 1 : asked
  const questions = rounds[round]
  if (questions === undefined) return complete(context)
  return inputRequired({
    inputRequests: requestsOf(questions),
    ...(keepsState === true ? { requestState: await seal({ tool: name, round }) } : {})
  })
}

/**
 * Returns the round that the client answers; undefined when this tool has not asked anything yet. The state
 * was verified before.
 */
function roundOf (tool: string, { mcpReq }: ServerContext): number | undefined {
  const state = mcpReq.requestState<RoundState>()
  return state?.tool === tool ? state.round : undefined
}

function askAsDeclared (context: ServerContext): CallToolResult | InputRequiredResult {
  const envelope = context.mcpReq.envelope as Readonly<Record<string, unknown>> | undefined
  const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined
  const questions: Questions = {
    ...(declared?.elicitation === undefined ? {} : { user_name: askUser('What is your name?', 'name') }),
    ...(declared?.sampling === undefined ? {} : { greeting: askModel('Generate a greeting') }),
    ...(declared?.roots === undefined ? {} : { client_roots: askRoots() })
  }
  if (areAnswered(questions, context)) return complete(context)
  return inputRequired({ inputRequests: requestsOf(questions) })
}

function complete ({ mcpReq }: ServerContext): CallToolResult {
  const state = mcpReq.requestState() === undefined ? '' : 'state-ok: '
  return {
    content: [{ type: 'text', text: `${state}answered with ${JSON.stringify(mcpReq.inputResponses ?? {})}` }]
  }
}
