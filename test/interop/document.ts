import { formatColumns } from '../../src/policy/printable.js'
import type { Outcome, Row } from './outcome.js'
import type { Version } from './versions.js'

/** Returns the rows as lines of aligned columns. */
export function formatTable (rows: readonly Row[]): string {
  const lines = [['', ...clientsOf(rows)], ...rows.map(({ upstream, cells }) => [upstream, ...cells.map(({ outcome }) => WORDS[outcome.kind])])]
  return formatColumns(lines).trimEnd()
}

const WORDS = { ok: 'ok', impossible: '–', missing: 'missing', failed: 'FAILED' } as const

function clientsOf (rows: readonly Row[]): string[] {
  return rows[0]?.cells.map(({ client }) => client) ?? []
}

/** Returns docs/interop.md: the rows, and nothing that changes from run to run or from machine to machine. */
export function formatDocument (rows: readonly Row[], versions: readonly Version[]): string {
  const notes = [...new Set(rows.flatMap(({ cells }) => cells.flatMap(({ outcome }) => noteOf(outcome) ?? [])))]
  const cellOf = (outcome: Outcome): string => {
    const note = noteOf(outcome)
    return note === undefined ? WORDS[outcome.kind] : `${WORDS[outcome.kind]} (${notes.indexOf(note) + 1})`
  }
  const clients = clientsOf(rows)
  return `<!-- Written by \`npm run interop -- --write\`. Do not edit. -->

# Interoperability

Real MCP servers and real clients with Postern between them. Each server runs in a process of its own, without authentication;
the built gateway stands before it; the demo's authorization server (oidc-provider) issues the tokens.

\`\`\`
npm run interop                     # all of it, and whether this page still says what comes out
npm run interop -- --only fastmcp   # the servers whose name has the word
npm run interop -- --write          # writes this page
\`\`\`

The programs are fetched once, in the versions below, from npm and PyPI into \`.cache/interop/programs\`. Python and Chromium are the
system's. Where one of them is missing, or a program cannot be fetched, the cells that need it say so and nothing fails. Pictures
of the Inspector's page are left in \`.cache/interop/pictures\`.

## What a client does

1. It connects without a token, is refused with 401, finds the authorization server from that, registers, signs in and connects.
2. It lists the tools, and finds the one that it may call. Where lists are filtered it does not find the one that it may not.
3. It calls the first and gets the expected result.
4. It calls the other one and is refused.
5. It calls a third one, which needs another scope, is refused with \`insufficient_scope\`, asks for that scope as well, calls
   again and gets the expected result.

Postern's audit events have to agree: the first and, after the step-up, the third call went to the server, the other one never
did. The Inspector's command line program cannot sign in without a person: it gets a token, and is tried without one and with a
wrong one as well. The Inspector's page is used in Chromium as a person would, on the authorization server's own page too. Both
Inspectors call only what is listed, so they get their lists unfiltered.

## What came out

| server | speaks | ${clients.join(' | ')} |
|---|---|${clients.map(() => '---|').join('')}
${rows.map(({ upstream, speaks, cells }) => `| ${upstream} | ${speaks ?? ''} | ${cells.map(({ outcome }) => cellOf(outcome)).join(' | ')} |`).join('\n')}

*Modern* is revision 2026-07-28, *legacy* what came before; *SSE* is the transport of revision 2024-11-05. What a server speaks
it was asked directly.

${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}

## Versions

| from | program | version |
|---|---|---|
${versions.map(([source, name, version]) => `| ${source} | \`${name}\` | ${version} |`).join('\n')}
`
}

function noteOf (outcome: Outcome): string | undefined {
  if (outcome.kind === 'ok') return outcome.steppedUp ? undefined : 'It says which scope is missing, and does not ask for it by itself.'
  const reason = outcome.kind === 'failed' ? outcome.what : outcome.reason
  return `${reason[0]?.toUpperCase()}${reason.slice(1).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')}.`
}
