import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import t from 'tap'

const skip = process.env['CONTAINER'] === '1' ? false : 'set CONTAINER=1; needs root, buildah, podman and podman-compose'
const timeout = 20 * 60_000
// The file as a whole has a time limit too, which is meant for ordinary tests.
if (skip === false) t.setTimeout(timeout)

t.test('the image and the compose file do what they promise', { skip, timeout }, (t) => {
  const script = spawn('bash', ['test/container/run.sh'], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => { script.kill() })
  for (const output of [script.stdout, script.stderr]) {
    createInterface({ input: output }).on('line', (line) => { report(line) })
  }
  script.on('close', (code) => {
    t.equal(code, 0, 'run.sh ends with exit code 0')
    t.end()
  })

  /** One assertion per check of the script, everything else as a comment. */
  function report (line: string): void {
    const [, not, name] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (name === undefined) t.comment(line)
    else t.equal(not, undefined, name)
  }
})
