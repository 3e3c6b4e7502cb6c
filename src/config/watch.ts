import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'

export interface WatchOptions {
  /**
   * Events come in bursts; this long after the first one the file is looked at. Milliseconds, default 100.
   */
  readonly delayMs?: number
  /**
   * The file is looked at this often in any case, for file systems without events. Milliseconds, default
   * 30000.
   */
  readonly pollMs?: number
}

export interface ConfigFileWatcher {
  /** Looks at the file now, and returns whether that led to a call. */
  check (): boolean
  close (): void
}

/** As many as Linux follows. */
const MAX_LINKS = 40

/**
 * Calls back each time the content of a file has become another one: written in place, replaced by rename, or
 * reached through symbolic links that were swapped, as Kubernetes does (behaviour O2). A file that is missing
 * for a moment has not changed. Changed is what differs from the content at the time of this call: make it
 * before loading the file. Keeps no process alive. `onChange` must not throw.
 */
export function watchConfigFile (
  file: string, onChange: () => void, options: WatchOptions = {}
): ConfigFileWatcher {
  const { delayMs = 100, pollMs = 30_000 } = options
  let watchers: readonly FSWatcher[] = []
  let pending: NodeJS.Timeout | undefined
  let content = hashOf(file)
  let isClosed = false

  function check (): boolean {
    if (isClosed) return false
    clearTimeout(pending)
    pending = undefined
    // Anew each time: a link may lead elsewhere now, and a directory of the same name may be another one.
    // What changes from here on raises an event; what changed before is in the content that is read next.
    closeWatchers()
    watchers = directoriesOf(file).flatMap((directory) => watchDirectory(directory, schedule))
    const found = hashOf(file)
    if (found === undefined || found === content) return false
    content = found
    onChange()
    return true
  }

  function schedule (): void {
    pending ??= setTimeout(check, delayMs).unref()
  }

  function closeWatchers (): void {
    for (const watcher of watchers) watcher.close()
    watchers = []
  }

  watchers = directoriesOf(file).flatMap((directory) => watchDirectory(directory, schedule))
  const poll = setInterval(check, pollMs).unref()
  return {
    check,
    close () {
      isClosed = true
      clearInterval(poll)
      clearTimeout(pending)
      closeWatchers()
    }
  }
}

/** Returns no watcher when the directory is missing or the system has none left: the timer looks again. */
function watchDirectory (directory: string, onEvent: () => void): FSWatcher[] {
  try {
    return [watch(directory, { persistent: false }, onEvent).on('error', onEvent)]
  } catch {
    return []
  }
}

/** Returns the directories that hold the file itself and every symbolic link on the way to it. */
function directoriesOf (file: string): string[] {
  const directories = new Set<string>()
  let at = parse(resolve(file)).root
  let ahead = namesOf(resolve(file))
  for (let links = 0; ahead.length > 0;) {
    const path = join(at, ahead[0] ?? '')
    const target = links < MAX_LINKS ? linkTarget(path) : undefined
    if (target === undefined) {
      at = path
      ahead = ahead.slice(1)
    } else {
      links++
      directories.add(at)
      const whole = resolve(at, target)
      ahead = [...namesOf(whole), ...ahead.slice(1)]
      at = parse(whole).root
    }
  }
  return [...directories.add(dirname(at))]
}

function namesOf (path: string): string[] {
  return path.slice(parse(path).root.length).split(sep).filter((name) => name !== '')
}

function linkTarget (path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function hashOf (file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('base64')
  } catch {
    return undefined
  }
}
