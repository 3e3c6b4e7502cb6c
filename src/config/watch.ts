import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'

export interface WatchOptions {
  /** Time from the first event of a burst until the file is read. Milliseconds, default 100. */
  readonly delayMs?: number
  /** How often the file is read in any case, for file systems without events. Milliseconds, default 30000. */
  readonly pollMs?: number
}

export interface ConfigFileWatcher {
  /** Reads the file now. Returns whether `onChange` was called. */
  check (): boolean
  close (): void
}

/** The number of symbolic links that Linux follows. */
const MAX_LINKS = 40

/**
 * Calls back each time the content of a file has changed. The file may be written in place, replaced by
 * rename, or reached through symbolic links that are swapped, as Kubernetes does (O2). A file that is missing
 * for a moment has not changed. The first comparison is with the content at the time of this call, so call
 * this before loading the file. Does not keep the process alive. `onChange` must not throw.
 */
export function watchConfigFile (
  file: string,
  onChange: () => void,
  options: WatchOptions = {}
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
    // Watch anew each time: a link may lead elsewhere now, and a directory may have been replaced. A change
    // from here on raises an event. An earlier one is in the content that is read next.
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

/** Returns no watcher when the directory is missing or the system has none left: the timer reads again. */
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
