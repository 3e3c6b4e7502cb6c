import { readFileSync } from 'node:fs'

const INTERVAL_MS = 500
const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'busybox'])

/**
 * Asks this process to stop when npm, which runs it, has ended. npm cannot hand on SIGKILL, and it hands on
 * SIGTERM only to the shell between the two. Nothing tells a process that it became an orphan, so it looks,
 * twice a second. Without npm it does nothing: whoever puts the demo into the background means it to stay.
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
 * Returns the parent, and if that is a shell, whoever runs the shell, too. Systems without /proc have shells
 * that make way for the last command that they run.
 */
function readAncestors (): string {
  const { ppid } = process
  const { name, parent } = readProcess(ppid)
  return SHELLS.has(name) ? `${ppid} ${parent}` : String(ppid)
}

function readProcess (pid: number): { readonly name: string, readonly parent: string } {
  try {
    // proc_pid_stat(5): the name stands in parentheses and may contain some.
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, name = '', parent = ''] = /\((.*)\) \S (\d+)/s.exec(line) ?? []
    return { name, parent }
  } catch {
    return { name: '', parent: '' }
  }
}
