import { readFileSync } from 'node:fs'
import t from 'tap'
import { runCli } from '../helpers/process.js'

t.test('the schema that the package holds is printed, without a configuration', async (t) => {
  const { code, stdout, stderr } = await runCli(t, ['schema'], { cwd: t.testdir() })
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
  t.equal(stdout, readFileSync('config.schema.json', 'utf8'))
})
