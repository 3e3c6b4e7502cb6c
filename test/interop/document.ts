import { formatColumns } from '../../src/policy/printable.js'
import type { Outcome, Row } from './outcome.js'
import type { Version } from './versions.js'

/** Returns the rows as lines of aligned columns. */
export function formatTable (rows: readonly Row[]): string {
  const lines = rows.map(({ upstream, cells }) => [
    upstream, ...cells.map(({ outcome }) => WORDS[outcome.kind])
  ])
  return formatColumns([['', ...clientsOf(rows)], ...lines]).trimEnd()
}

const WITHOUT_STEP_UP = 'It says which scope is missing, but does not ask for it.'

const WORDS = { ok: 'ok', impossible: '–', missing: 'missing', failed: 'FAILED' } as const

function clientsOf (rows: readonly Row[]): string[] {
  return rows[0]?.cells.map(({ client }) => client) ?? []
}

/** Returns docs/interop.md: the rows, and nothing that changes from run to run or from machine to machine. */
export function formatDocument (rows: readonly Row[], versions: readonly Version[]): string {
  const outcomes = rows.flatMap(({ cells }) => cells.map(({ outcome }) => outcome))
  const notes = [...new Set(outcomes.flatMap((outcome) => noteOf(outcome) ?? []))]
  const cellOf = (outcome: Outcome): string => {
    const note = noteOf(outcome)
    return note === undefined ? WORDS[outcome.kind] : `${WORDS[outcome.kind]} (${notes.indexOf(note) + 1})`
  }
  const formatRow = ({ upstream, speaks, cells }: Row): string => {
    return `| ${[upstream, speaks ?? '', ...cells.map(({ outcome }) => cellOf(outcome))].join(' | ')} |`
  }
  const clients = clientsOf(rows)
  return `<!-- Written by \`npm run interop -- --write\`. Do not edit. -->

# Interoperability

Real MCP servers and real clients with Postern between them. Each server runs in a process of its own,
without authentication. The built gateway stands before it, and the demo's authorization server
(oidc-provider) issues the tokens.

\`\`\`
npm run interop                     # all of it; compares this page with the outcome
npm run interop -- --only fastmcp   # the servers whose name has the word
npm run interop -- --write          # writes this page
\`\`\`

The programs are fetched once, in the versions below, from npm and PyPI into \`.cache/interop/programs\`.
Python and Chromium are the system's. If one of them is missing, or a program cannot be fetched, the cells
that need it say so, and nothing fails. Pictures of the Inspector's page are left in
\`.cache/interop/pictures\`.

## What a client does

1. It connects without a token and is refused with 401. From the response it finds the authorization server,
   registers, signs in and connects.
2. It lists the tools and finds the one that it may call. If lists are filtered, it does not find the one
   that it may not call.
3. It calls the first and gets the expected result.
4. It calls the other one and is refused.
5. It calls a third one, which needs another scope, and is refused with \`insufficient_scope\`. It asks for
   that scope as well, calls again and gets the expected result.

Postern's audit events have to agree: the first call and, after the step-up, the third call went to the
server; the other one never did. The Inspector's command line program cannot sign in without a person: it
gets a token, and is also tried without a token and with a wrong one. The Inspector's page is used in
Chromium as a person would use it, and so is the authorization server's page. Both Inspectors call only
listed tools, so they get their lists unfiltered.

## What came out

| server | speaks | ${clients.join(' | ')} |
|---|---|${clients.map(() => '---|').join('')}
${rows.map(formatRow).join('\n')}

*Modern* is revision 2026-07-28, *legacy* everything before; *SSE* is the transport of revision 2024-11-05.
The column *speaks* shows what a server said when it was asked directly.

${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}

## Versions

| from | program | version |
|---|---|---|
${versions.map(([source, name, version]) => `| ${source} | \`${name}\` | ${version} |`).join('\n')}
`
}

function noteOf (outcome: Outcome): string | undefined {
  if (outcome.kind === 'ok') return outcome.steppedUp ? undefined : WITHOUT_STEP_UP
  const reason = outcome.kind === 'failed' ? outcome.what : outcome.reason
  return `${reason[0]?.toUpperCase()}${reason.slice(1).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')}.`
}
