import type { Closing } from '../helpers/closing.js'
import type { AuthorizationServerKind } from './authorization-servers/authorization-server.js'
import type { Outcome } from './outcome.js'
import type { Programs } from './programs.js'
import type { Era } from './revisions.js'
import type { Stack, Traces } from './stack.js'
import type { Task, Upstream } from './upstreams.js'

/** What the client's output shows when a scope is missing. */
const REFUSAL = /scope/
/** The same, after it has asked in vain for that scope. */
export const REFUSAL_AFTER_ALL = /scope|unauthorized/i

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
  /** Whether it is tried with other authorization servers than the demo's, too. Default false. */
  readonly signsInElsewhere?: boolean
  /** What it can be told instead of registering. Default: nothing. */
  readonly takes?: 'a client id' | 'a client id and scopes'
  /** The scopes that it registers with when it is told none. Default: it does not say any. */
  readonly untold?: 'all of the authorization server' | 'an empty list'
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

/** Returns why a client cannot sign in at an authorization server; undefined when it can. */
export function decideUnknown (
  server: Pick<AuthorizationServerKind, 'registration' | 'told'> | undefined,
  { takes, untold }: Pick<Client, 'takes' | 'untold'>
): Outcome | undefined {
  const reason = server?.registration === 'by hand'
    ? WITHOUT_REGISTRATION[takes ?? 'nothing']
    : server?.told === 'none' && untold === 'an empty list'
      ? 'the client registers with an empty list of scopes, so that Keycloak gives it none'
      : undefined
  return reason === undefined ? undefined : { kind: 'impossible', reason }
}

/** Why a client cannot sign in where it cannot register, by what it can be told. */
const WITHOUT_REGISTRATION = {
  nothing: 'clients cannot register themselves there, and this one was not given a client id',
  'a client id': 'the client can be told a client id, but not which scopes to ask for',
  'a client id and scopes': undefined
} as const

/** Returns whether a client gets all scopes at its first login, so that there is nothing to step up to. */
export function hasAllScopes (
  server: Pick<AuthorizationServerKind, 'registration' | 'told'> | undefined,
  { untold }: Pick<Client, 'untold'>
): boolean {
  if (server === undefined || server.registration === 'by hand') return false
  return server.told === 'all' || (server.told === 'none' && untold === 'all of the authorization server')
}

export interface Expectations {
  /** The client got all scopes at its first login, so that it is not refused a call for want of one. */
  readonly hadAllScopes?: boolean
  /** What its output shows when it cannot get a scope. */
  readonly refusal?: RegExp
}

/**
 * Returns the problems of a visit, as the client and Postern report it; empty when there are none.
 */
export function findProblems (
  visit: Visit, { allowed, privileged, forbidden }: Task, traces: Traces,
  { hadAllScopes = false, refusal = REFUSAL }: Expectations = {}
): readonly string[] {
  const { list, tools } = visit
  const refused = forbidden.tool
  const isRefusedListed = tools.includes(refused)
  const isPrivilegedForwarded = traces.allowed.includes(privileged.tool)
  const expected = visit.privileged.kind === 'refused' ? refusal : privileged.result
  const expectations: ReadonlyArray<readonly [isMet: boolean, problem: string]> = [
    [tools.includes(allowed.tool), `${allowed.tool} is not listed`],
    [isRefusedListed === (list === 'unfiltered'), `${refused} is ${isRefusedListed ? '' : 'not '}listed`],
    [allowed.result.test(visit.allowed), `${allowed.tool} has the result: ${visit.allowed}`],
    [traces.allowed.includes(allowed.tool), `${allowed.tool} did not come through Postern`],
    [visit.forbidden !== undefined, `${refused} looks like a success`],
    [!traces.allowed.includes(refused), `${refused} was forwarded`],
    [hasRefusal(traces, refused, 'access_denied'), `${refused} was not refused by Postern`],
    [
      hasRefusal(traces, privileged.tool, 'insufficient_scope') !== hadAllScopes,
      `${privileged.tool} was ${hadAllScopes ? '' : 'not '}refused: insufficient_scope`
    ],
    [
      isPrivilegedForwarded === (visit.privileged.kind === 'answered'),
      `the client says that ${privileged.tool} was ${visit.privileged.kind}, Postern says otherwise`
    ],
    [expected.test(visit.privileged.text), `${privileged.tool} has the result: ${visit.privileged.text}`]
  ]
  return expectations.flatMap(([isMet, problem]) => isMet ? [] : [problem])
}

function hasRefusal ({ refused }: Traces, tool: string, reason: string): boolean {
  return refused.some(([refusedTool, why]) => refusedTool === tool && why === reason)
}
