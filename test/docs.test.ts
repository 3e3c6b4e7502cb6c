import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import { configFrom } from '../src/config/complete.js'
import { environment } from '../src/options/environment.js'
import { listOptions } from '../src/options/list.js'
import { REFUSALS } from '../src/http/request/refusal.js'
import type { Operation } from '../src/policy/policy.js'
import { auditEvent } from '../src/telemetry/audit-event.js'
import { COMMANDS, GENERAL_OPTIONS, isCommand, type CommandName, type CommandSpec } from '../src/commands/command-line.js'
import { EXIT } from '../src/commands/io.js'
import { findProofs, listSentences, renderBehaviour } from '../tools/behaviour-index.js'
import { ROOT } from './helpers/root.js'

const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Page {
  /** Relative to the repository. */
  readonly path: string
  readonly text: string
}

const pages: readonly Page[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
].map((path) => ({ path, text: readText(path) }))

const page = (path: string): string => pages.find((one) => one.path === path)?.text ?? ''

/** Cells of the rows of every table, without the code marks around the first one. */
function rowsOf (text: string): string[][] {
  return text.split('\n').filter((line) => /^\| .*\|$/.test(line)).map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))
}

const unquote = (cell: string): string => cell.replace(/^`|`$/g, '')

/** Text under a heading, up to the next one that is not below it. */
function sectionOf (text: string, heading: string): string {
  const [marks = ''] = /^#+/.exec(heading) ?? []
  const start = text.indexOf(`\n${heading}\n`)
  if (start === -1) throw new Error(`there is no "${heading}"`)
  const rest = text.slice(start + heading.length + 2)
  const end = rest.search(new RegExp(`\n#{1,${marks.length}} `))
  return end === -1 ? rest : rest.slice(0, end)
}

interface Block { readonly page: string, readonly language: string, readonly code: string }

const blocks: readonly Block[] = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({ page: path, language, code })))

/** As GitHub makes them: lower case, without punctuation, a hyphen for each space. */
function anchorsOf (text: string): Set<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return new Set([...headings].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')))
}

t.test('every link leads to a file that exists, and to a heading in it', async (t) => {
  for (const { path, text } of pages) {
    for (const [, link = ''] of text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : relative(ROOT, resolve(ROOT, dirname(path), file))
      if (!t.ok(existsSync(join(ROOT, target)), `${path}: ${link} exists`)) continue
      if (anchor !== undefined) t.ok(anchorsOf(readText(target)).has(anchor), `${path}: ${link} has its heading`)
    }
  }
})

t.test('every page is linked from the README', async (t) => {
  for (const { path } of pages.filter(({ path }) => path !== 'README.md')) t.ok(page('README.md').includes(`(${path})`), path)
})

t.test('what the README shows or links to is in the published package', async (t) => {
  const { files } = JSON.parse(readText('package.json')) as { files: string[] }
  const packed = [...files, 'LICENSE']
  const links = [...page('README.md').matchAll(/\]\(([^)\s#]+)|<img src="([^"]+)"/g)].map(([, link, image]) => link ?? image ?? '')
  t.ok(links.includes('docs/images/postern.svg'))
  for (const link of links) {
    t.ok(packed.some((entry) => link === entry || link.startsWith(`${entry}/`)), link)
    t.ok(existsSync(join(ROOT, link)), `${link} exists`)
  }
})

t.test('docs/errors.md has every refusal with its status, and no other', async (t) => {
  const rows = rowsOf(sectionOf(page('docs/errors.md'), '## Codes')).slice(1)
  const documented = Object.fromEntries(rows.filter(([code = '']) => code.startsWith('`')).map(([code = '', status]) => [unquote(code), Number(status)]))
  t.strictSame(
    documented, Object.fromEntries(Object.entries(REFUSALS).map(([code, { status }]) => [code, status]))
  )
})

t.test('docs/operations.md has every field of the audit event, and no other', async (t) => {
  const target = { method: 'm', target: { kind: 'tools', name: 'n' } } as const
  const describe = (operations: readonly Operation[]): Record<string, unknown> => auditEvent({
    requestId: '1',
    resource: 'r',
    clientAddress: 'a',
    principal: { issuer: 'i', subject: 's', clientId: 'c', scopes: new Set(), expiresAt: 0 },
    operations,
    decision: { effect: 'allow', rule: 'r' },
    isForwarded: false,
    httpMethod: 'POST',
    httpStatus: 200,
    durationMs: 1,
    requestBytes: 1
  }, { reason: 'c', detail: 'd', httpStatus: 200, complete: true, responseBytes: 1 })
  const usual = describe([target])
  const fields = (event: Record<string, unknown>): string[] => [...Object.keys(event), ...Object.keys(event['client'] as object)]
  const everything = new Set([...fields(usual), ...fields(describe([target, target]))].filter((name) => name !== 'event')).add('level').add('time')
  const section = sectionOf(page('docs/operations.md'), '### The audit event')
  const names = rowsOf(section).slice(1).flatMap(([cell = '']) => [...cell.matchAll(/`(?:client\.)?(\w+)`/g)].map(([, name = '']) => name))
  t.strictSame(names.sort(), [...everything].sort())
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(section) ?? []
  const { level, time, ...shown } = JSON.parse(example) as Record<string, object>
  t.strictSame(Object.keys(shown), Object.keys(usual))
  t.strictSame(Object.keys(shown['client'] ?? {}), Object.keys(usual['client'] as object))
})

t.test('every option and variable is in docs/configuration.md, and every one that a page names exists', async (t) => {
  const options = new Set(listOptions().map(({ path }) => path))
  const variables = new Set(Object.keys(environment.properties))
  for (const name of [...options, ...variables]) t.ok(page('docs/configuration.md').includes(`\n| \`${name}\` |`), name)
  // What a page calls by a path whose first part is an option, such as `limits.bodyBytes`.
  for (const { path, text } of pages) {
    for (const [, name = '', first = ''] of text.matchAll(/`((\w+)\.[A-Za-z.]+)`/g)) {
      if (!options.has(first) || first === 'servers' || /^policy\.(tools|resources|prompts|methods)\./.test(name)) continue
      t.ok(options.has(name) || options.has(name.replace('.', '[].')), `${path} names ${name}`)
    }
  }
})

const BASE = {
  resource: 'https://todo.example.com/mcp',
  upstream: 'http://127.0.0.1:8080/mcp',
  authorizationServers: ['https://login.example.com']
}
const SETTINGS = { host: '127.0.0.1', port: 3002, logLevel: 'info' }

t.test('every JSON block parses, and what is a configuration or a part of one is valid', async (t) => {
  const options = new Set(listOptions().filter(({ path }) => !path.includes('.') || path.startsWith('$')).map(({ path }) => path))
  let loaded = 0
  for (const { page, code } of blocks.filter(({ language }) => language === 'json')) {
    const name = `${page}: ${code.replaceAll(/\s+/g, ' ').slice(0, 70)}`
    const value = JSON.parse(code.replaceAll(/"\$\{[A-Z_]+\}"/g, `"${'s'.repeat(32)}"`)) as Record<string, unknown>
    if (Object.hasOwn(value, 'issuer') && !Object.hasOwn(value, 'event')) {
      t.ok(configFrom({ ...BASE, authorizationServers: [value] }, SETTINGS), name)
      loaded++
    } else if (Object.keys(value).every((member) => options.has(member)) && (value['servers'] === undefined || Array.isArray(value['servers']))) {
      const file = Object.hasOwn(value, 'servers') ? value : { ...BASE, ...value }
      t.ok(configFrom(file, SETTINGS), name)
      loaded++
    }
  }
  t.ok(loaded >= 25, `${loaded} configurations were loaded`)
})

const flagsIn = (text: string): Set<string> => new Set([...text.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag))
const flagsOf = (command: string): Set<string> => {
  const { options }: CommandSpec = COMMANDS[command as CommandName]
  return new Set(Object.keys({ ...options, ...GENERAL_OPTIONS }).map((name) => `--${name}`))
}

t.test('docs/operations.md has every command, option and exit code of --help', async (t) => {
  const section = sectionOf(page('docs/operations.md'), '## Commands')
  const options = new Set(Object.keys(COMMANDS).flatMap((command) => [...flagsOf(command)]))
  t.strictSame([...options].sort(), [...flagsIn(section)].sort(), 'options')
  for (const command of Object.keys(COMMANDS)) t.ok(section.includes(`\n| \`${command}\` |`), command)
  for (const code of Object.values(EXIT)) t.ok(section.includes(`\n| ${code} |`), `exit code ${code}`)
})

t.test('every command that a page shows exists, with its options', async (t) => {
  const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }
  const lines = [
    ...blocks.filter(({ language }) => ['', 'sh', 'ini', 'yaml'].includes(language)).flatMap(({ page, code }) => code.replaceAll('\\\n', ' ').split('\n').map((line) => ({ page, line }))),
    ...pages.flatMap(({ path, text }) => [...text.matchAll(/`((?:npm|postern) [^`]+)`/g)].map(([, line = '']) => ({ page: path, line })))
  ]
  let seen = 0
  for (const { page, line } of lines) {
    for (const [, script = ''] of line.matchAll(/\bnpm run ([\w:-]+)/g)) {
      t.ok(Object.hasOwn(scripts, script), `${page}: npm run ${script}`)
      seen++
    }
    // `postern` as a command, also as the name of the image in front of one.
    const [, command, rest = ''] = /(?:^|\s|\/)postern (?!<)([a-z]+)\b(.*)$/.exec(line.replace(/\s#.*$/, '')) ?? []
    if (command === undefined || !/^\s*(postern|docker run|kubectl|ExecStart=)/.test(line)) continue
    if (!t.ok(isCommand(command), `${page}: postern ${command}`)) continue
    for (const flag of flagsIn(rest)) t.ok(flagsOf(command).has(flag), `${page}: postern ${command} ${flag}`)
    seen++
  }
  t.ok(seen >= 15, `${seen} commands were seen`)
})

const SENTENCES = [
  'R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7',
  'A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8', 'A9', 'A10',
  'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7',
  'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10',
  'F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10', 'F11', 'F12',
  'C1', 'C1a', 'C2', 'C3',
  'O1', 'O2', 'O3', 'O4', 'O5', 'O6', 'O7', 'O8'
]

t.test('every sentence of docs/behaviour.md has a test, and every title names a sentence', async (t) => {
  const proofs = findProofs(ROOT)
  t.strictSame(listSentences(page('docs/behaviour.md')), SENTENCES, 'all sentences, in order')
  for (const id of SENTENCES) t.ok(proofs.has(id), `${id} has a test`)
  for (const id of proofs.keys()) t.ok(SENTENCES.includes(id), `${id} is a sentence`)
})

t.test('the index of tests in docs/behaviour.md is up to date', async (t) => {
  const behaviour = page('docs/behaviour.md')
  t.equal(renderBehaviour(behaviour, findProofs(ROOT)), behaviour, 'run `npm run generate`')
})

t.test('every sentence that the source cites is in docs/behaviour.md', async (t) => {
  const known = new Set(SENTENCES)
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const cited = files.flatMap((file) => [...readText(join('src', file)).matchAll(/(?:\(|behaviour |, )([RAMPFCO]\d{1,2}a?)(?=[),;. –])/g)].map(([, id = '']) => ({ file, id })))
  t.ok(cited.length > 50, `${cited.length} citations`)
  for (const { file, id } of cited) t.ok(known.has(id), `${file} cites ${id}`)
})
