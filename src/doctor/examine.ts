import { secretsOf } from './access-token.js'
import { createAuthorizationServerContext } from './authorization-server.js'
import {
  fail, NotApplicable, skip, type Check, type CheckGroup, type Outcome, type Result, type Severity
} from './check.js'
import { issuersOf } from './find-metadata.js'
import { createContext, type Context, type Examination } from './context.js'
import { createSend, NoResponse } from './exchange.js'
import { GROUPS, AUTHORIZATION_SERVER_GROUP } from './groups.js'
import { IS_ISSUER, recogniseIssuer } from './issuer.js'

/** What one check found, about the resource or about one authorization server. */
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
  /** What to do; only for `fail` and `warn`. */
  readonly advice?: string
}

export interface ExamineOptions extends Examination {
  /** For one request. */
  readonly timeoutMs: number
  /** For the whole examination; default 150. */
  readonly maxRequests?: number
}

const MAX_REQUESTS = 150
/** A document can name any number of authorization servers. */
const MAX_AUTHORIZATION_SERVERS = 3

/**
 * Makes every check against an MCP server and the authorization servers that it names, from outside,
 * without changing anything there, unless registrations are to be tried. A URL that is an issuer is examined
 * as an authorization server. Returns a finding for each check, in the order of the groups.
 */
export async function examine (options: ExamineOptions): Promise<readonly Finding[]> {
  const { token, otherToken, timeoutMs, maxRequests = MAX_REQUESTS } = options
  const send = createSend({ timeoutMs, requests: maxRequests, secrets: secretsOf([token, otherToken]) })
  const context = createContext(options, send)
  const findings: Finding[] = []
  try {
    const issuer = await recogniseIssuer(context)
    let blocked = issuer === undefined ? undefined : IS_ISSUER
    for (const group of GROUPS) {
      if (group.kind === 'resource') {
        const examined = await examineGroup(group, context, options.url, blocked)
        findings.push(...examined.findings)
        blocked = examined.blocked
      } else {
        const named = issuer === undefined && blocked === undefined ? await findIssuers(context) : []
        const issuers = issuer === undefined ? named : [issuer]
        findings.push(...await examineAuthorizationServers(issuers, context, blocked))
      }
    }
  } finally {
    await context.close()
  }
  return findings
}

async function findIssuers (context: Context): Promise<readonly string[]> {
  const { used } = await context.metadata()
  return used === undefined ? [] : issuersOf(used.document).slice(0, MAX_AUTHORIZATION_SERVERS)
}

async function examineAuthorizationServers (
  issuers: readonly string[], context: Context, blocked: string | undefined
): Promise<readonly Finding[]> {
  if (issuers.length === 0) {
    const reason = blocked ?? 'no authorization server is named'
    return AUTHORIZATION_SERVER_GROUP.checks
      .map((check) => toFinding(check, AUTHORIZATION_SERVER_GROUP.id, '', skip(reason)))
  }
  const findings: Finding[] = []
  for (const issuer of issuers) {
    const subject = createAuthorizationServerContext(issuer, context)
    findings.push(...(await examineGroup(AUTHORIZATION_SERVER_GROUP, subject, issuer, undefined)).findings)
  }
  return findings
}

interface ExaminedGroup {
  readonly findings: readonly Finding[]
  /** Why no later check makes sense. */
  readonly blocked: string | undefined
}

async function examineGroup<Subject> (
  group: CheckGroup<Subject>, subject: Subject, about: string, blockedBefore: string | undefined
): Promise<ExaminedGroup> {
  const findings: Finding[] = []
  let blocked = blockedBefore
  for (const check of group.checks) {
    const outcome = blocked === undefined ? await makeCheck(check, subject) : skip(blocked)
    const finding = toFinding(check, group.id, about, outcome)
    findings.push(finding)
    if (finding.result === 'fail') blocked ??= check.blocks
  }
  return { findings, blocked }
}

async function makeCheck<Subject> (check: Check<Subject>, subject: Subject): Promise<Outcome> {
  try {
    return await check.run(subject)
  } catch (error) {
    if (error instanceof NotApplicable) return skip(error.message)
    if (error instanceof NoResponse) return fail(error.message)
    throw error
  }
}

/** Only an unmet `must` is a failure; any other failure becomes a warning. */
function toFinding (check: Check<never>, group: string, about: string, outcome: Outcome): Finding {
  const { id, title, clause, severity, advice } = check
  const result = outcome.result === 'fail' && severity !== 'must' ? 'warn' : outcome.result
  const finding = { id, group, about, title, clause, severity, result, detail: outcome.detail }
  return result === 'fail' || result === 'warn' ? { ...finding, advice } : finding
}
