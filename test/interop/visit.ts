import type { Closing } from '../helpers/closing.js'
import type { Outcome } from './outcome.js'
import type { Programs } from './programs.js'
import type { Era } from './revisions.js'
import type { Stack, Traces } from './stack.js'
import type { Task, Upstream } from './upstreams.js'

/** What a client saw when it did its task. */
export interface Visit {
  /** Whether its lists were filtered. */
  readonly list: 'filtered' | 'unfiltered'
  readonly tools: readonly string[]
  /** What it shows as the result of the allowed call. */
  readonly allowed: string
  /** What it shows after the call that needs another scope: a client that can step up has a result. */
  readonly privileged: { readonly kind: 'answered' | 'refused', readonly text: string }
  /** What it shows for the call that nobody may make; undefined when it took the response for a success. */
  readonly forbidden: string | undefined
}

export interface Surroundings {
  readonly stack: Stack
  readonly transport: Upstream['transport']
  /** The revisions to speak: the client's own. If the client speaks any, the upstream's newest. */
  readonly era: Era
  readonly task: Task
  /** The subject that signs in. */
  readonly subject: string
  readonly programs: Programs
  /** A folder of its own, which is empty at first. */
  readonly folder: string
  /** The file for its picture, if it makes one. */
  readonly picture: string
}

export interface Client {
  readonly title: string
  /** The revisions that it speaks here. */
  readonly era: Era | 'any'
  /** The only transport over which it can sign in; default: either. */
  readonly transport?: Upstream['transport']
  /** Does the task through Postern. Throws Missing when a program is missing. */
  visit (closing: Closing, surroundings: Surroundings): Promise<Visit>
}

/** Returns why a client cannot speak with an upstream; undefined when it can. */
export function decideImpossible (
  transport: Upstream['transport'], eras: readonly Era[], client: Pick<Client, 'era' | 'transport'>
): Outcome | undefined {
  const { era } = client
  if (client.transport !== undefined && client.transport !== transport) {
    return { kind: 'impossible', reason: 'the client cannot sign in over the transport of revision 2024-11-05' }
  }
  if (era === 'any' || eras.includes(era)) return undefined
  const reason = transport === 'sse'
    ? 'the transport of revision 2024-11-05 has no modern revisions'
    : `the upstream speaks ${eras.join(' and ')} revisions only`
  return { kind: 'impossible', reason }
}

/** Returns the problems of a visit, as the client and Postern report it; empty when there are none. */
export function findProblems (
  visit: Visit, { allowed, privileged, forbidden }: Task, traces: Traces
): readonly string[] {
  const { list, tools } = visit
  const refused = forbidden.tool
  const isRefusedListed = tools.includes(refused)
  const isPrivilegedForwarded = traces.allowed.includes(privileged.tool)
  const expected = visit.privileged.kind === 'refused' ? REFUSAL : privileged.result
  const expectations: ReadonlyArray<readonly [isMet: boolean, problem: string]> = [
    [tools.includes(allowed.tool), `${allowed.tool} is not listed`],
    [isRefusedListed === (list === 'unfiltered'), `${refused} is ${isRefusedListed ? '' : 'not '}listed`],
    [allowed.result.test(visit.allowed), `${allowed.tool} has the result: ${visit.allowed}`],
    [traces.allowed.includes(allowed.tool), `${allowed.tool} did not come through Postern`],
    [visit.forbidden !== undefined, `${refused} looks like a success`],
    [!traces.allowed.includes(refused), `${refused} was forwarded`],
    [hasRefusal(traces, refused, 'access_denied'), `${refused} was not refused by Postern`],
    [
      hasRefusal(traces, privileged.tool, 'insufficient_scope'),
      `${privileged.tool} was not refused: insufficient_scope`
    ],
    [
      isPrivilegedForwarded === (visit.privileged.kind === 'answered'),
      `the client says that ${privileged.tool} was ${visit.privileged.kind}, Postern says otherwise`
    ],
    [expected.test(visit.privileged.text), `${privileged.tool} has the result: ${visit.privileged.text}`]
  ]
  return expectations.flatMap(([isMet, problem]) => isMet ? [] : [problem])
}

/** What the client's output shows when a scope is missing. */
const REFUSAL = /scope/

function hasRefusal ({ refused }: Traces, tool: string, reason: string): boolean {
  return refused.some(([refusedTool, why]) => refusedTool === tool && why === reason)
}
