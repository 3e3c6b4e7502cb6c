import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { ROOT } from './helpers/root.js'

const src = join(ROOT, 'src')

interface Folder {
  /** Folders whose values it may import. */
  readonly imports: readonly string[]
  /** Folders of which it may import types alone. */
  readonly types?: readonly string[]
  readonly packages?: readonly string[]
  /** Packages of which it may import types alone. */
  readonly typesOfPackages?: readonly string[]
}

/** docs/architecture.md, "Who may import what": every folder may import itself, `http/steps` excepted. */
const FOLDERS: Readonly<Record<string, Folder>> = {
  json: { imports: [] },
  options: { imports: [], packages: ['typebox'] },
  policy: { imports: ['options'] },
  mcp: { imports: ['json'], types: ['policy'] },
  oauth: { imports: ['options'], packages: ['jose'] },
  config: { imports: ['json', 'oauth', 'options', 'policy'], packages: ['typebox', 'env-schema'] },
  upstream: { imports: [], packages: ['undici'] },
  catalog: { imports: ['mcp', 'upstream'] },
  clock: { imports: [] },
  telemetry: { imports: [], types: ['clock', 'oauth', 'policy'], packages: ['pino', 'prom-client'] },
  'proxied-fetch': { imports: ['options'], types: ['oauth'], packages: ['undici'] },
  services: { imports: ['clock', 'oauth', 'telemetry'], types: ['options'] },
  'http/request': { imports: ['mcp', 'oauth', 'options', 'upstream'], types: ['policy'], packages: ['fastify'] },
  connections: { imports: ['http/request'] },
  'http/response': {
    imports: ['http/request', 'mcp', 'upstream'],
    types: ['clock', 'oauth', 'options', 'policy'],
    typesOfPackages: ['fastify']
  },
  'http/steps': {
    imports: ['http/request', 'mcp', 'oauth', 'telemetry', 'upstream'],
    types: ['options', 'policy', 'services'],
    packages: ['fastify']
  },
  http: {
    imports: ['http/request', 'http/response', 'http/steps', 'mcp', 'oauth', 'options', 'policy', 'upstream'],
    types: ['services'],
    packages: ['fastify', '@fastify/cors', '@fastify/http-proxy']
  },
  server: { imports: ['connections', 'http', 'http/request'], types: ['options', 'services'], packages: ['fastify'] },
  // What examines shares no code with what is examined.
  doctor: { imports: [] },
  commands: {
    imports: [
      'catalog', 'clock', 'config', 'doctor', 'http', 'oauth', 'options', 'policy', 'proxied-fetch', 'server', 'services', 'telemetry'
    ],
    packages: ['close-with-grace']
  },
  cli: { imports: ['commands'] }
}

interface Import {
  readonly specifier: string
  readonly isTypeOnly: boolean
}

interface SourceFile {
  /** Relative to `src`. */
  readonly path: string
  /** A key of FOLDERS. */
  readonly folder: string
  readonly text: string
  readonly ast: ts.SourceFile
  readonly imports: readonly Import[]
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts')).map(read)

function read (path: string): SourceFile {
  const text = readFileSync(join(src, path), 'utf8')
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  return {
    path,
    folder: folderOf(path),
    text,
    ast,
    imports: [...ast.statements.flatMap(readImport), ...readDynamicImports(ast)]
  }
}

/** `server.ts` and `cli.ts` stand for themselves. */
function folderOf (path: string): string {
  const folder = dirname(path)
  return folder === '.' ? path.replace(/\.ts$/, '') : folder
}

function readImport (statement: ts.Statement): Import[] {
  if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
  const { moduleSpecifier } = statement
  if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return []
  return [{ specifier: moduleSpecifier.text, isTypeOnly: isTypeOnly(statement) }]
}

function readDynamicImports (ast: ts.SourceFile): Import[] {
  const imports: Import[] = []
  visit(ast, (node) => {
    if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return
    const [specifier] = node.arguments
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      imports.push({ specifier: specifier.text, isTypeOnly: false })
    }
  })
  return imports
}

function isTypeOnly (statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly
  const clause = statement.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { namedBindings } = clause
  return clause.name === undefined && namedBindings !== undefined && ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
}

/** Path of an imported file of ours, relative to `src`; it may lie outside. */
function targetOf (file: SourceFile, { specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return relative(src, resolve(src, dirname(file.path), specifier)).replace(/\.js$/, '.ts')
}

function packageOf (specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function visit (node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => visit(child, look))
}

/** `process.env`, `console.log`: all members of a global that a file uses. */
function usesOf (file: SourceFile, global: string): string[] {
  const members: string[] = []
  visit(file.ast, (node) => {
    const isMember = ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)
    if (isMember && node.expression.text === global) members.push(node.name.text)
  })
  return members
}

t.test('every folder is in the table, and the table names no other', async (t) => {
  t.strictSame([...new Set(files.map(({ folder }) => folder))].sort(), Object.keys(FOLDERS).sort())
})

t.test('no folder is above one that it imports: arrows go down, and there is no circle', async (t) => {
  const below = new Set<string>()
  for (const [folder, { imports, types = [] }] of Object.entries(FOLDERS)) {
    for (const other of [...imports, ...types]) t.ok(below.has(other), `${folder} stands above ${other}`)
    below.add(folder)
  }
})

t.test('the map in docs/architecture.md names every file', async (t) => {
  const docs = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const [, map = ''] = /^## The map\n+```\n([\s\S]*?)^```$/m.exec(docs) ?? []
  const sections = new Map<string, string>()
  let folder = ''
  for (const line of map.split('\n')) {
    // A folder, or a file beside the folders, stands two spaces in; what a folder holds stands deeper.
    const [, name] = /^ {2}(\S+?)\/?( |$)/.exec(line) ?? []
    folder = name ?? folder
    sections.set(folder, `${sections.get(folder) ?? ''}${line.replace(/^ {2}\S+/, '')}\n`)
  }
  for (const { path, folder } of files) {
    const name = basename(path, '.ts')
    if (name === folder) t.ok(sections.has(name) || sections.has(`${name}.ts`), path)
    else t.match(sections.get(folder) ?? '', new RegExp(`(^|[ ·])${name}( |$)`, 'm'), `${path} is named below ${folder}/`)
  }
})

t.test('docs/architecture.md shows the same table', async (t) => {
  const docs = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const codes = (names: readonly string[], prefix = ''): string[] => names.map((name) => `${prefix}\`${name}\``)
  for (const [folder, allowed] of Object.entries(FOLDERS)) {
    const { imports, types = [], packages = [], typesOfPackages = [] } = allowed
    const cells = [codes([folder]), codes(imports), codes(types), [...codes(packages), ...codes(typesOfPackages, 'types of ')]]
    const row = `|${cells.map((cell) => cell.length === 0 ? ' ' : ` ${cell.join(', ')} `).join('|')}|`
    t.ok(docs.includes(`\n${row}\n`), `${folder}: ${row}`)
  }
})

t.test('a folder imports only what the table allows', async (t) => {
  for (const file of files) {
    const rules = FOLDERS[file.folder] ?? { imports: [] }
    for (const imported of file.imports) {
      const target = targetOf(file, imported)
      if (target !== undefined) t.ok(isAllowed(file, rules, folderOf(target), imported.isTypeOnly), `${file.path} imports ${imported.isTypeOnly ? 'types of ' : ''}${target}`)
      else if (!isBuiltin(imported.specifier)) t.ok(isAllowedPackage(rules, packageOf(imported.specifier), imported.isTypeOnly), `${file.path} imports ${imported.isTypeOnly ? 'types of ' : ''}${imported.specifier}`)
    }
  }
})

function isAllowed (
  file: SourceFile, { imports, types = [] }: Folder, folder: string, isTypeOnly: boolean
): boolean {
  if (folder === file.folder) return folder !== 'http/steps'
  return imports.includes(folder) || (isTypeOnly && types.includes(folder))
}

function isAllowedPackage (
  { packages = [], typesOfPackages = [] }: Folder, name: string, isTypeOnly: boolean
): boolean {
  return packages.includes(name) || (isTypeOnly && typesOfPackages.includes(name))
}

t.test('every imported package is a dependency that is installed with the gateway', async (t) => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  const imported = files.flatMap(({ imports }) => imports).filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
  t.strictSame(
    [...new Set(imported.map(({ specifier }) => packageOf(specifier)))].sort(),
    Object.keys(dependencies).sort()
  )
})

t.test('no file imports itself, directly or through others', async (t) => {
  const targets = new Map(
    files.map((file) => [file.path, file.imports.flatMap((imported) => targetOf(file, imported) ?? [])])
  )
  const isDone = new Set<string>()
  const findCycle = (path: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (isDone.has(path)) return undefined
    for (const target of targets.get(path) ?? []) {
      const cycle = findCycle(target, [...way, path])
      if (cycle !== undefined) return cycle
    }
    isDone.add(path)
    return undefined
  }
  for (const { path } of files) t.equal(findCycle(path, [])?.join(' → '), undefined, path)
})

t.test('only the outermost files touch the process', async (t) => {
  const allowed: Readonly<Record<string, RegExp>> = {
    env: /^config\/load\.ts$/,
    exit: /^(cli\.ts|commands\/.*)$/,
    exitCode: /^(cli\.ts|commands\/.*)$/,
    argv: /^cli\.ts$/,
    on: /^commands\/serve\.ts$/,
    once: /^commands\/log\.ts$/,
    kill: /^commands\/log\.ts$/,
    pid: /^commands\/log\.ts$/,
    stdout: /^(cli\.ts|commands\/.*)$/,
    stderr: /^(cli\.ts|commands\/.*)$/,
    version: /^commands\/serve\.ts$/
  }
  for (const file of files) {
    for (const member of usesOf(file, 'process')) t.match(file.path, allowed[member] ?? /never/, `${file.path} uses process.${member}`)
    t.strictSame(usesOf(file, 'console'), [], `${file.path} does not use console`)
  }
})

t.test('the time of day is read in one place, and everywhere else passed in', async (t) => {
  const readers = files.filter((file) => {
    let reads = usesOf(file, 'Date').includes('now') || usesOf(file, 'performance').includes('now')
    visit(file.ast, (node) => {
      reads ||= ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0
    })
    return reads
  })
  // The logger stamps lines; nothing is decided by that.
  t.strictSame(readers.map(({ path }) => path).sort(), ['clock.ts', 'telemetry/logger.ts'])
})

/** Written out as the type of a constant; a type with a name of its own is trusted to be read-only. */
const MUTABLE = /^((Weak)?(Map|Set)\b|Array\b|Record\b|(?!readonly ).*\[\]$)/

t.test('modules hold no state', async (t) => {
  for (const { path, ast } of files) {
    for (const statement of ast.statements) {
      if (!ts.isVariableStatement(statement)) continue
      t.ok((statement.declarationList.flags & ts.NodeFlags.Const) !== 0, `${path}: ${statement.declarationList.getText().slice(0, 40)} is a constant`)
      // Whoever declares an empty collection means to fill it.
      for (const { name, type, initializer } of statement.declarationList.declarations) {
        if (type !== undefined && !MUTABLE.test(type.getText())) continue
        t.notMatch(initializer?.getText() ?? '', /^(new (Weak)?(Map|Set)(<[^()]*>)?\(\)|\[\]|\{\})$/, `${path}: ${name.getText()} is not there to be filled`)
      }
    }
  }
})

t.test('files are small, and named for a thing or a step', async (t) => {
  for (const { path, text } of files) {
    t.ok(text.split('\n').length - 1 <= 250, `${path} has at most 250 lines`)
    t.match(path, /^([a-z][a-z\d]*(-[a-z\d]+)*\/)*[a-z][a-z\d]*(-[a-z\d]+)*\.ts$/, `${path} is in kebab case`)
    t.notMatch(path, /(^|[/-])(utils?|common|managers?|service|helpers?|misc|shared)([/.-]|$)/, `${path} says what it holds`)
  }
})

t.test('exported functions say what they return, types are never "any", and nothing is exported by default', async (t) => {
  for (const { path, ast } of files) {
    visit(ast, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) t.fail(`${path} uses any: ${node.parent.getText()}`)
      if (ts.isExportAssignment(node)) t.fail(`${path} has a default export`)
    })
    for (const statement of ast.statements) {
      if (!ts.isFunctionDeclaration(statement)) continue
      if (!hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue
      t.notOk(hasModifier(statement, ts.SyntaxKind.DefaultKeyword), `${path}: ${statement.name?.text} is not the default export`)
      t.not(ts.getJSDocCommentsAndTags(statement).length, 0, `${path}: ${statement.name?.text} has a docstring`)
    }
  }
})

function hasModifier (node: ts.FunctionDeclaration, kind: ts.SyntaxKind): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === kind) ?? false
}
