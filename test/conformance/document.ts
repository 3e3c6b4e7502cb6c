import { formatColumns } from '../../src/policy/printable.js'
import { areIdentical, type Comparison, type Row } from './report.js'
import { SUITE_VERSION } from './suite.js'

const HEADINGS = ['scenario', 'direct', 'through Postern', '']

/** Returns the comparisons as lines of aligned columns, with every difference below. */
export function formatTable (comparisons: readonly Comparison[]): string {
  return comparisons.map((comparison) => {
    const { revision, rows } = comparison
    const cells = [HEADINGS, ...rows.map(rowCells), ...totalCells(comparison)]
    return [revision, formatColumns(cells).trimEnd(), ...rows.flatMap(differenceLines)].join('\n')
  }).join('\n\n')
}

function rowCells ({ scenario, direct, through, differences }: Row): string[] {
  return [scenario, direct, through, differences.length === 0 ? 'identical' : 'DIFFERENT']
}

function totalCells (comparison: Comparison): string[][] {
  const { scored, all } = comparison
  const result = areIdentical(comparison) ? 'identical' : 'DIFFERENT'
  return [
    ['all that are scored', scored.direct, scored.through, result],
    ['all', all.direct, all.through, result]
  ]
}

function differenceLines ({ scenario, differences }: Row): string[] {
  return differences.length === 0 ? [] : ['', scenario, ...differences.map((line) => `  ${line}`)]
}

/** Returns docs/conformance.md: the comparisons, and nothing that changes from run to run. */
export function formatDocument (comparisons: readonly Comparison[]): string {
  return `<!-- Written by \`npm run conformance -- --write\`. Do not edit. -->

# Conformance

A server conforms to the same things through Postern as it does directly. The official suite
([@modelcontextprotocol/conformance](https://www.npmjs.com/package/@modelcontextprotocol/conformance)
${SUITE_VERSION}) is run twice under each revision: directly against a server made with the official SDK
(\`test/conformance/server.ts\`), and against the same server behind Postern. A hop in front of Postern adds
an access token, because the suite has none to send. The policy allows everything. The two reports are
compared check by check, by outcome and message. Checks without an outcome (\`INFO\`) are left out.
\`npm run conformance\` fails when a check differs, or when this page differs from what it finds.

The scenarios that a revision requires are scored; the suite runs the others for information. Failures in
the tables are features that the server lacks, such as the tasks extension.

${comparisons.map(formatSection).join('\n\n')}
`
}

function formatSection (comparison: Comparison): string {
  const { revision, rows, scored, all } = comparison
  return `## ${revision}

${areIdentical(comparison) ? 'Identical in every check.' : 'Not identical.'}

| scenario | scored | direct | through Postern | identical |
|---|---|---|---|---|
${rows.map(formatRow).join('\n')}
| **all that are scored** | | ${scored.direct} | ${scored.through} | |
| **all** | | ${all.direct} | ${all.through} | |`
}

function formatRow ({ scenario, notScored, direct, through, differences }: Row): string {
  const scored = notScored === undefined ? 'yes' : `no (${notScored})`
  const isIdentical = differences.length === 0 ? 'yes' : 'no'
  return `| \`${scenario}\` | ${scored} | ${direct} | ${through} | ${isIdentical} |`
}
