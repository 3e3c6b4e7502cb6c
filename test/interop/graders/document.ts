import { EXPECTED_FINDINGS } from './expected.js'
import type { Grade, GradeOutcome } from './graders.js'

/** Returns the section of docs/interop.md about the graders. */
export function formatGrades (grades: readonly Grade[]): string {
  const rows = grades.map(({ grader, examined, outcome }) => {
    return `| \`${grader}\` | ${examined} | ${formatOutcome(outcome)} |`
  })
  const findings = EXPECTED_FINDINGS.map(({ grader, examined, id, whose, why }) => {
    return `| \`${grader}\` | ${examined} | ${id} | ${whose} | ${why} |`
  })
  return `## Graders

Public graders of MCP servers' OAuth examine Postern with the demo's authorization server. *Demo* is what \`postern demo\` starts. *Sessions* is Postern before FastMCP (TypeScript), with sessions and unfiltered lists. \`mcp-authlab\` signs in and tries the authorization server meanwhile. \`mcp-authscan\` looks from outside. \`testmcpy-oauth-probe\` is given a token, and then gets one with client credentials.

| grader | examines | what came out |
|---|---|---|
${rows.join('\n')}

These checks do not pass, and none of them is Postern's. Any other one fails the run, and so does one of these that passes.

| grader | examines | check | whose it is | why |
|---|---|---|---|---|
${findings.join('\n')}
`
}

function formatOutcome (outcome: GradeOutcome): string {
  switch (outcome.kind) {
    case 'ok': return `${outcome.passed} checks pass`
    case 'missing': return `missing: ${outcome.reason}`
    case 'failed': return 'FAILED'
  }
}
