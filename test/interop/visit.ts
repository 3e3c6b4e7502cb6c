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
  /** What it shows when the call that needs another scope is over: a client that can step up has a result. */
  readonly privileged: { readonly kind: 'answered' | 'refused', readonly text: string }
  /** What it shows for the call that nobody may make; undefined when it took it for a success. */
  readonly forbidden: string | undefined
}

export interface Surroundings {
  readonly stack: Stack
  readonly transport: Upstream['transport']
  /** Which revisions to speak: the client's own, or for one that speaks any the upstream's newest. */
  readonly era: Era
  readonly task: Task
  /** Who signs in. */
  readonly subject: string
  readonly programs: Programs
  /** A folder of its own, empty at first. */
  readonly folder: string
  /** Where a picture of it goes, if it makes one. */
  readonly picture: string
}

export interface Client {
  readonly title: string
  /** The revisions that it speaks here. */
  readonly era: Era | 'any'
  /** Does the task through Postern. Throws Missing when a program is. */
  visit (closing: Closing, surroundings: Surroundings): Promise<Visit>
}

/** Returns why a client cannot speak with an upstream, whatever stands between them; undefined when it can. */
export function decideImpossible (transport: Upstream['transport'], eras: readonly Era[], era: Client['era']): Outcome | undefined {
  if (era === 'any' || eras.includes(era)) return undefined
  const reason = transport === 'sse'
    ? 'the transport of revision 2024-11-05 has no modern revisions'
    : `the upstream speaks ${eras.join(' and ')} revisions only`
  return { kind: 'impossible', reason }
}

/** Returns what is wrong with a visit, by the client's account and by Postern's own; nothing when all is well. */
export function findProblems (visit: Visit, { allowed, privileged, forbidden }: Task, traces: Traces): readonly string[] {
  const { list, tools } = visit
  const refused = forbidden.tool
  const expectations: ReadonlyArray<readonly [isMet: boolean, problem: string]> = [
    [tools.includes(allowed.tool), `${allowed.tool} is not listed`],
    [tools.includes(refused) === (list === 'unfiltered'), `${refused} is ${tools.includes(refused) ? '' : 'not '}listed`],
    [allowed.result.test(visit.allowed), `${allowed.tool} answers: ${visit.allowed}`],
    [traces.allowed.includes(allowed.tool), `${allowed.tool} did not come through Postern`],
    [visit.forbidden !== undefined, `${refused} looks like a success`],
    [!traces.allowed.includes(refused), `${refused} was forwarded`],
    [hasRefusal(traces, refused, 'access_denied'), `${refused} was not refused by Postern`],
    [hasRefusal(traces, privileged.tool, 'insufficient_scope'), `${privileged.tool} was not refused for want of a scope`],
    [traces.allowed.includes(privileged.tool) === (visit.privileged.kind === 'answered'), `${privileged.tool} was ${visit.privileged.kind}, not so by Postern`],
    [(visit.privileged.kind === 'refused' ? REFUSAL : privileged.result).test(visit.privileged.text), `${privileged.tool} answers: ${visit.privileged.text}`]
  ]
  return expectations.flatMap(([isMet, problem]) => isMet ? [] : [problem])
}

/** What a refusal for want of a scope looks like to whoever reads the client's output. */
const REFUSAL = /scope/

function hasRefusal ({ refused }: Traces, tool: string, reason: string): boolean {
  return refused.some(([refusedTool, why]) => refusedTool === tool && why === reason)
}
