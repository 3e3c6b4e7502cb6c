#!/usr/bin/env node
/**
 * Reads TAP from standard input. Prints one line for each test file, what failed in it, and at the end
 * `N passed, N failed` on a line of its own, for programs to read. N counts named tests that hold no other tests.
 * Exits with 1 when a test failed, when a file of the plan is missing, and when there was no test file.
 */
import { createInterface } from 'node:readline'

/** How many test files there are. */
const PLAN = /^1\.\.(\d+)$/
/** A test file's own result: not indented, as everything inside a file is. */
const FILE = /^(ok|not ok) \d+ - (.+?)(?: # time=\S+)?(?: # (SKIP|TODO)\b.*)?$/
/** Inside a file: results that are no failure, plans, names that a result repeats. */
const PASSED = /^\s*(?:ok \d+|1\.\.\d+|# Subtest|# time=|# \{|$)/
/** The name of a test, before what it holds; the result of a test or an assertion. Both stand as deep as their kind. */
const NAME = /^( *)# Subtest: /
const RESULT = /^( *)(ok|not ok) \d+\b(?:.* # (SKIP|TODO)\b)?/i

const counts = { pass: 0, fail: 0, skip: 0, todo: 0 }
let files = 0
let planned = 0
/** Lines of a file come before its result, diagnostics of the result itself after it. */
let inside = []
let isDiagnostics = false

for await (const line of createInterface({ input: process.stdin })) {
  const file = FILE.exec(line)
  if (file !== null) reportFile(file[1] === 'ok', file[2], file[3])
  else if (PLAN.test(line)) planned = Number(PLAN.exec(line)[1])
  else if (line === '  ---') isDiagnostics = true
  else if (line === '  ...') isDiagnostics = false
  else if (isDiagnostics) reportDiagnostics(line)
  else if (line.startsWith(' ')) inside.push(line)
  else if (line.startsWith('Bail out!')) print(line)
}
if (files < planned || files === 0) {
  print(`FAILED: ${files} of ${planned} test files ran`)
  counts.fail++
}
if (counts.skip + counts.todo > 0) print(`${counts.skip} skipped, ${counts.todo} to do`)
print(`${counts.pass} passed, ${counts.fail} failed`)
process.exitCode = counts.fail > 0 ? 1 : 0

function reportFile (isOk, name, directive) {
  const isFailed = !isOk && directive !== 'TODO'
  const failedBefore = counts.fail
  countTests(inside)
  if (directive === 'SKIP') counts.skip++
  print(`${isFailed ? 'FAILED' : directive === 'SKIP' ? 'skipped' : 'ok'} ${name}`)
  files++
  if (isFailed) {
    // A file that breaks off has failed even when each of its tests passed.
    if (counts.fail === failedBefore) counts.fail++
    for (const line of inside) if (!PASSED.test(line)) print(line)
  }
  inside = []
}

/** Adds the named tests of a file that hold no other tests, and everything that is skipped or still to do. */
function countTests (lines) {
  /** How deep the names stand whose results are still to come, the innermost last. */
  const open = []
  let isLeaf = false
  let isDiagnostics = false
  for (const line of lines) {
    if (/^ *(?:---|\.\.\.)$/.test(line)) isDiagnostics = line.endsWith('---')
    if (isDiagnostics) continue
    const name = NAME.exec(line)
    const result = RESULT.exec(line)
    if (name !== null) {
      open.push(name[1].length)
      isLeaf = true
    } else if (result !== null) {
      const [, indent, word, directive] = result
      const isTest = open.at(-1) === indent.length
      if (isTest) open.pop()
      if (directive !== undefined) counts[directive.toLowerCase()]++
      else if (isTest && isLeaf) counts[word === 'ok' ? 'pass' : 'fail']++
      if (isTest) isLeaf = false
    }
  }
}

/** Prints how a file ended; the rest of its diagnostics is the command that ran it. */
function reportDiagnostics (line) {
  if (/^ {2}(?:exitCode|signal|expired|timeout|message): (?!null)/.test(line)) print(line)
}

function print (line) {
  process.stdout.write(line + '\n')
}
