#!/usr/bin/env node
/**
 * Reads TAP from standard input, as tap hands it to a reporter that is a program. Prints one line for each test file,
 * what failed in it, and at the end `N passed, N failed` alone on a line, for whoever runs the tests by machine.
 * Sets no exit code: tap's own says whether the tests passed.
 */
import { createInterface } from 'node:readline'

/** A test file's own result: not indented, as everything inside a file is. */
const FILE = /^(ok|not ok) \d+ - (.+?)(?: # time=\S+)?(?: # (SKIP|TODO)\b.*)?$/
/** tap's closing line: `# { total: 10, pass: 8, fail: 1, skip: 1 }`. */
const COUNTS = /^# \{ (.+) \}$/
/** Inside a file: results that are no failure, plans, names that a result repeats. */
const PASSED = /^\s*(?:ok \d+|1\.\.\d+|# Subtest|# time=|$)/

const counts = { pass: 0, fail: 0, skip: 0, todo: 0 }
let failedFiles = 0
/** Lines of a file come before its result, diagnostics of the result itself after it. */
let inside = []
let isDiagnostics = false

for await (const line of createInterface({ input: process.stdin })) {
  const file = FILE.exec(line)
  if (file !== null) reportFile(file[1] === 'ok', file[2], file[3])
  else if (COUNTS.test(line)) readCounts(line)
  else if (line === '  ---') isDiagnostics = true
  else if (line === '  ...') isDiagnostics = false
  else if (isDiagnostics) reportDiagnostics(line)
  else if (line.startsWith(' ')) inside.push(line)
  else if (line.startsWith('Bail out!')) print(line)
}
if (counts.skip + counts.todo > 0) print(`${counts.skip} skipped, ${counts.todo} to do`)
// A file that breaks off has failed even when each of its assertions held.
print(`${counts.pass} passed, ${Math.max(counts.fail, failedFiles)} failed`)

function reportFile (isOk, name, directive) {
  const isFailed = !isOk && directive !== 'TODO'
  print(`${isFailed ? 'FAILED' : directive === 'SKIP' ? 'skipped' : 'ok'} ${name}`)
  if (isFailed) {
    failedFiles++
    for (const line of inside) if (!PASSED.test(line)) print(line)
  }
  inside = []
}

/** How a file ended, when not by itself: the rest is the command that ran it. */
function reportDiagnostics (line) {
  if (/^ {2}(?:exitCode|signal|expired|timeout|message): (?!null)/.test(line)) print(line)
}

function readCounts (line) {
  for (const [, name, count] of line.matchAll(/(\w+): (\d+)/g)) counts[name] = Number(count)
}

function print (line) {
  process.stdout.write(line + '\n')
}
