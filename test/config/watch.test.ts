import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { watchConfigFile } from '../../src/config/watch.js'
import type { ConfigFileWatcher, WatchOptions } from '../../src/config/watch.js'

interface Watched extends ConfigFileWatcher {
  /** Resolves when the callback has been called this often in all. */
  called (times: number): Promise<void>
  count (): number
}

/** Watches for events alone, unless told to poll. */
function watchFile (t: Test, file: string, options: WatchOptions = { pollMs: 2 ** 30 }): Watched {
  let count = 0
  let onCall = () => {}
  const watcher = watchConfigFile(file, () => {
    count++
    onCall()
  }, { delayMs: 1, ...options })
  // The watcher keeps no process alive, so something else has to.
  const alive = setInterval(() => {}, 2 ** 30)
  t.teardown(() => {
    watcher.close()
    clearInterval(alive)
  })
  return {
    ...watcher,
    count: () => count,
    called: (times) => new Promise((resolve) => {
      onCall = () => { if (count >= times) resolve() }
      onCall()
    })
  }
}

t.test('a file that is written in place is noticed, each time', async (t) => {
  const file = join(t.testdir({ 'config.json': '1' }), 'config.json')
  const watched = watchFile(t, file)
  writeFileSync(file, '2')
  await watched.called(1)
  writeFileSync(file, '3')
  await watched.called(2)
  t.equal(watched.count(), 2)
})

t.test('a file that is replaced by rename is noticed, each time', async (t) => {
  const file = join(t.testdir({ 'config.json': '1' }), 'config.json')
  const watched = watchFile(t, file)
  for (const content of ['2', '3']) {
    writeFileSync(`${file}.new`, content)
    renameSync(`${file}.new`, file)
    await watched.called(Number(content) - 1)
  }
  t.equal(watched.count(), 2)
})

t.test('the swap of a Kubernetes volume is noticed, each time', async (t) => {
  const volume = t.testdir({
    '..2026_01': { 'config.json': '1' },
    '..data': t.fixture('symlink', '..2026_01'),
    'config.json': t.fixture('symlink', '..data/config.json')
  })
  const watched = watchFile(t, join(volume, 'config.json'))
  for (const [round, name] of ['..2026_02', '..2026_03'].entries()) {
    mkdirSync(join(volume, name))
    writeFileSync(join(volume, name, 'config.json'), name)
    symlinkSync(name, join(volume, '..data_tmp'))
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
    await watched.called(round + 1)
  }
  rmSync(join(volume, '..2026_01'), { recursive: true })
  t.equal(watched.check(), false)
  t.equal(watched.count(), 2)
})

t.test('links elsewhere are followed: what they lead to may change, and where', async (t) => {
  const directory = t.testdir({
    etc: { 'config.json': t.fixture('symlink', '../current/config.json') },
    current: t.fixture('symlink', 'v1'),
    v1: { 'config.json': t.fixture('symlink', '../shared/config.json') },
    v2: { 'config.json': 'second' },
    shared: { 'config.json': 'first' }
  })
  const watched = watchFile(t, join(directory, 'etc', 'config.json'))
  writeFileSync(join(directory, 'shared', 'config.json'), 'changed')
  await watched.called(1)
  symlinkSync('v2', join(directory, 'next'))
  renameSync(join(directory, 'next'), join(directory, 'current'))
  await watched.called(2)
  writeFileSync(join(directory, 'v2', 'config.json'), 'changed too')
  await watched.called(3)
  unlinkSync(join(directory, 'etc', 'config.json'))
  writeFileSync(join(directory, 'etc', 'config.json'), 'no link any more')
  await watched.called(4)
})

t.test('a loop of links is given up', (t) => {
  const directory = t.testdir({ a: t.fixture('symlink', 'b'), b: t.fixture('symlink', 'a') })
  const watched = watchFile(t, join(directory, 'a'))
  t.equal(watched.check(), false)
  t.end()
})

t.test('the same content again is no change, whatever happened to the file', (t) => {
  const file = join(t.testdir({ 'config.json': '1' }), 'config.json')
  const watched = watchFile(t, file)
  writeFileSync(file, '1')
  t.equal(watched.check(), false)
  unlinkSync(file)
  t.equal(watched.check(), false)
  writeFileSync(file, '1')
  t.equal(watched.check(), false)
  writeFileSync(file, '2')
  t.equal(watched.check(), true)
  t.equal(watched.check(), false)
  t.equal(watched.count(), 1)
  t.end()
})

t.test('a directory of the same name in place of the old one is watched again', async (t) => {
  const directory = join(t.testdir({ etc: { 'config.json': '1' } }), 'etc')
  const watched = watchFile(t, join(directory, 'config.json'))
  rmSync(directory, { recursive: true })
  t.equal(watched.check(), false)
  mkdirSync(directory)
  writeFileSync(join(directory, 'config.json'), '2')
  t.equal(watched.check(), true)
  writeFileSync(join(directory, 'config.json'), '3')
  await watched.called(2)
})

t.test('what raises no event is found by looking now and then', async (t) => {
  const directory = join(t.testdir(), 'later')
  const watched = watchFile(t, join(directory, 'config.json'), { pollMs: 1 })
  mkdirSync(directory)
  writeFileSync(join(directory, 'config.json'), '1')
  await watched.called(1)
})

t.test('nothing is called after the end', async (t) => {
  const file = join(t.testdir({ 'config.json': '1' }), 'config.json')
  const closed = watchFile(t, file)
  const open = watchFile(t, file)
  closed.close()
  writeFileSync(file, '2')
  await open.called(1)
  t.equal(closed.check(), false)
  t.equal(closed.count(), 0)
})
