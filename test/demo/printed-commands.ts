import type { Test } from 'tap'
import { startProgram } from '../helpers/process.js'

/** Returns the commands of a guide as they are printed: what begins as one, to the next empty line. */
export function commandsIn (guide: string): string {
  const blocks = guide.split('\n\n').filter((block) => /^(export|curl|show\(\)) ?/.test(block))
  return blocks.join('\n') + '\n'
}

/** Runs what would be copied into a shell, and returns the responses that it shows. */
export async function runCommands (t: Test, commands: string): Promise<string[]> {
  return (await runShell(t, commands)).split(/^(?=HTTP\/)/m)
}

/** Runs commands in a POSIX shell. Fails the test when they print an error. */
export async function runShell (t: Test, commands: string): Promise<string> {
  const { stdout, stderr } = await startProgram(t, 'sh', ['-c', commands]).ended
  t.equal(stderr, '', 'nothing on standard error')
  return stdout
}
