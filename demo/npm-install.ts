import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DemoFailure } from './failure.js'

/**
 * Each stands against a setting of the user, or of the npm that runs this, that would do something else. The
 * configuration counts for all the rest: registry, proxy, certificates, npm's own cache.
 */
const ARGS = [
  'ci', '--prefix=.', '--global=false', '--dry-run=false', '--package-lock=true', '--workspaces=false',
  '--omit=dev', '--ignore-scripts', '--audit=false', '--fund=false', '--progress=false', '--loglevel=error'
]

/**
 * Lets npm install what the lock file in a folder names: these versions, with these integrity hashes. Throws
 * DemoFailure; the reason of the signal after an abort.
 */
export async function installLocked (folder: string, signal: AbortSignal): Promise<void> {
  const { code, text } = await runNpm(folder, signal)
  signal.throwIfAborted()
  // npm writes this file when everything else is there.
  if (code === 0 && existsSync(join(folder, 'node_modules/.package-lock.json'))) return
  throw new DemoFailure(
    `npm could not install what the demo needs (${firstError(text)}). Nothing of it was kept. ` +
    'Check the network, and the registry that `npm config get registry` names; then try again'
  )
}

interface NpmResult {
  readonly code: number | null
  readonly text: string
}

function runNpm (folder: string, signal: AbortSignal): Promise<NpmResult> {
  // npm names its own program to what it runs; that saves a search, and Windows a shell.
  const { npm_execpath: npm = '' } = process.env
  const [command, args] = basename(npm) === 'npm-cli.js' ? [process.execPath, [npm, ...ARGS]] : ['npm', ARGS]
  const shell = command === 'npm' && process.platform === 'win32'
  // npm that waits for its registry ends for no other signal. All that it has written is thrown away.
  const child = spawn(command, args, {
    cwd: folder, shell, signal, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return // an abort: `close` follows
      reject(new DemoFailure(
        'npm was not found. The first demo installs its authorization server and MCP server with it: ' +
        'put npm on the PATH'
      ))
    })
    child.once('close', (code) => { resolve({ code, text }) })
  })
}

/** `npm error code E404`, `npm error 404 Not Found - …` → `code E404, 404 Not Found - …` */
function firstError (text: string): string {
  const lines = text.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line))
  return lines.slice(0, 3).map((line) => line.replace(/^npm \S+ /, '')).join(', ') || 'it said nothing'
}
