import type { Environment } from '../python.js'
import type { ExaminedName } from './examined.js'

/** A check that does not pass, although Postern is as it should be. */
export interface ExpectedFinding {
  readonly grader: Environment
  readonly examined: ExaminedName
  /** The grader's own name for the check. */
  readonly id: string
  readonly whose: 'the authorization server’s' | 'the grader’s' | 'the set-up’s'
  readonly why: string
}

/** All of them. A finding that is not here fails the run, and so does one here that no longer comes. */
export const EXPECTED_FINDINGS: readonly ExpectedFinding[] = [
  authlab('demo', 'TLS-01', 'everything is on loopback, without TLS'),
  authlab('demo', 'SCOPE-01', 'skipped, because the list has no tool that the token may not call; it passes at “sessions”'),
  authlab('demo', 'SESS-01', 'skipped, because the todo server has no sessions; it passes at “sessions”'),
  authlab('demo', 'SESS-02', 'skipped, because the todo server has no sessions; it passes at “sessions”'),
  authlab('sessions', 'TLS-01', 'everything is on loopback, without TLS'),
  authscan('password-grant', 'it sends no `client_id`, so the answer is `invalid_request`; it accepts only `unsupported_grant_type`'),
  authscan('pkce-s256', 'left out, because the grader does not register; ASF-01 of mcp-authlab passes'),
  authscan('redirect-uri-exact', 'left out, because the grader does not register; ASF-03 of mcp-authlab passes'),
  authscan('client-auth', 'it sends no `client_id`, so the answer is `invalid_request` (RFC 6749 §4.1.3); it accepts only `invalid_client`'),
  {
    grader: 'testmcpy-oauth-probe',
    examined: 'demo',
    id: 'client: oauth.token.cache_headers',
    whose: 'the authorization server’s',
    why: 'it sends `Cache-Control: no-store`, but no `Pragma`, which OAuth 2.1 (§3.2.3) has dropped'
  }
]

function authlab (examined: ExaminedName, id: string, why: string): ExpectedFinding {
  return { grader: 'mcp-authlab', examined, id, whose: 'the set-up’s', why }
}

function authscan (id: string, why: string): ExpectedFinding {
  return { grader: 'mcp-authscan', examined: 'demo', id, whose: 'the grader’s', why }
}
