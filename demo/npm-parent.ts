import { readFileSync } from 'node:fs'

const INTERVAL_MS = 500
const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'busybox'])

/**
 * Asks this process to stop when npm, which runs it, has ended. npm cannot hand on SIGKILL. It hands on
 * SIGTERM to the shell between the two, which does not. Nothing tells a process that it became an orphan, so
 * it looks, twice a second. Without npm it does nothing: whoever puts the demo into the background means it
 * to stay.
 */
export function stopWithNpm (): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const atStart = readAncestors()
  const timer = setInterval(() => {
    if (readAncestors() === atStart) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, INTERVAL_MS)
  timer.unref()
}

/**
 * Returns the parent, and as long as that is a shell, whoever runs the shell, too. On systems without /proc
 * it is the parent only; their shells make way for the last command that they run.
 */
function readAncestors (): string {
  const ancestors = [String(process.ppid)]
  for (;;) {
    const { name, parent } = readProcess(ancestors.at(-1) ?? '')
    if (!SHELLS.has(name)) return ancestors.join(' ')
    ancestors.push(parent)
  }
}

function readProcess (pid: string): { readonly name: string, readonly parent: string } {
  try {
    // proc_pid_stat(5): the name stands in parentheses and may contain some.
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, name = '', parent = ''] = /\((.*)\) \S (\d+)/s.exec(line) ?? []
    return { name, parent }
  } catch {
    return { name: '', parent: '' }
  }
}
