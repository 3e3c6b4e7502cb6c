import { secretsOf } from './access-token.js'
import { createAuthorizationServerContext } from './authorization-server.js'
import { fail, NotApplicable, skip, type Check, type CheckGroup, type Outcome, type Result, type Severity } from './check.js'
import { issuersOf } from './checks-metadata.js'
import { GROUPS, AUTHORIZATION_SERVER_GROUP } from './checks.js'
import { createContext, type Context, type Examination } from './context.js'
import { createAsk, NoAnswer } from './exchange.js'

/** What one check came to, about the resource or about one authorization server. */
export interface Finding {
  readonly id: string
  readonly group: string
  /** The URL or the issuer that it is about. */
  readonly about: string
  readonly title: string
  readonly clause: string
  readonly severity: Severity
  readonly result: Result
  /** What was seen; for `skip` why nothing was. */
  readonly detail: string
  /** What to do; for `fail` and `warn` alone. */
  readonly advice?: string
}

export interface ExamineOptions extends Examination {
  /** For one request. */
  readonly timeoutMs: number
  /** For all of them together; default 150. */
  readonly maxRequests?: number
}

const MAX_REQUESTS = 150
/** A document can name any number of them. */
const MAX_AUTHORIZATION_SERVERS = 3

/**
 * Makes every check against an MCP server and the authorization servers that it names, from outside,
 * without changing anything there. Returns a finding for each, in the order of the groups.
 */
export async function examine (options: ExamineOptions): Promise<readonly Finding[]> {
  const { token, otherToken, timeoutMs, maxRequests = MAX_REQUESTS } = options
  const ask = createAsk({ timeoutMs, requests: maxRequests, secrets: secretsOf([token, otherToken]) })
  const context = createContext(options, ask)
  const findings: Finding[] = []
  try {
    for (const group of GROUPS) {
      const blocked = findBlocker(findings)
      if (group.kind === 'resource') findings.push(...await run(group, context, options.url, blocked))
      else findings.push(...await examineAuthorizationServers(context, blocked))
    }
  } finally {
    await context.close()
  }
  return findings
}

async function examineAuthorizationServers (context: Context, blocked: string | undefined): Promise<readonly Finding[]> {
  const { used } = blocked === undefined ? await context.metadata() : { used: undefined }
  const issuers = used === undefined ? [] : issuersOf(used.document).slice(0, MAX_AUTHORIZATION_SERVERS)
  const findings: Finding[] = []
  for (const issuer of issuers) {
    findings.push(...await run(AUTHORIZATION_SERVER_GROUP, createAuthorizationServerContext(issuer, context), issuer, undefined))
  }
  if (findings.length > 0) return findings
  return AUTHORIZATION_SERVER_GROUP.checks.map((check) => toFinding(check, AUTHORIZATION_SERVER_GROUP.id, '', skip(blocked ?? 'no authorization server is named')))
}

async function run<Subject> (group: CheckGroup<Subject>, subject: Subject, about: string, blockedBefore: string | undefined): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  let blocked = blockedBefore
  for (const check of group.checks) {
    const finding = toFinding(check, group.id, about, blocked === undefined ? await make(check, subject) : skip(blocked))
    findings.push(finding)
    if (finding.result === 'fail') blocked ??= check.blocks
  }
  return findings
}

async function make<Subject> (check: Check<Subject>, subject: Subject): Promise<Outcome> {
  try {
    return await check.run(subject)
  } catch (error) {
    if (error instanceof NotApplicable) return skip(error.message)
    if (error instanceof NoAnswer) return fail(error.message)
    throw error
  }
}

/** Nothing but an unmet `must` is a failure. */
function toFinding ({ id, title, clause, severity, advice }: Check<never>, group: string, about: string, { result, detail }: Outcome): Finding {
  const seen = result === 'fail' && severity !== 'must' ? 'warn' : result
  return { id, group, about, title, clause, severity, result: seen, detail, ...seen === 'fail' || seen === 'warn' ? { advice } : {} }
}

function findBlocker (findings: readonly Finding[]): string | undefined {
  const failed = new Set(findings.filter(({ result }) => result === 'fail').map(({ id }) => id))
  return GROUPS.flatMap(({ checks }) => [...checks] as ReadonlyArray<Check<never>>).find(({ id, blocks }) => blocks !== undefined && failed.has(id))?.blocks
}
