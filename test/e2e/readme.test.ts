import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startAuthorizationServer } from '../../demo/authorization-server.js'
import { startTodoServer } from '../../demo/todo-server.js'
import { findFreePort } from '../helpers/ports.js'
import { installCommand, startProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { findMissing, readSteps } from '../walkthrough/page.js'

const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const SECTION = 'From a server and an identity provider to a protected server'

t.test('README.md: the way to a protected server works as it stands there', async (t) => {
  const folder = t.testdir()
  const todos = await startTodoServer({ port: 0 })
  t.after(() => todos.close())
  const port = await findFreePort()
  const resource = `http://localhost:${port}/mcp`
  const authorizationServer = await startAuthorizationServer({
    port: 0, resources: [{ resource, scopes: ['todo:read', 'todo:write'] }]
  })
  t.after(() => authorizationServer.close())
  const local = (text: string): string => text
    .replaceAll('localhost:3002', `localhost:${port}`)
    .replaceAll('localhost:8080', new URL(todos.url).host)
    .replaceAll('localhost:9000', `localhost:${authorizationServer.port}`)
  const [, config = ''] = /^```json\n([\s\S]*?)^```$/m.exec(README) ?? []
  writeFileSync(join(folder, 'config.json'), local(config))

  const [install, ...steps] = readSteps(README).filter(({ title }) => title === SECTION)
  t.equal(install?.commands, 'npm ci\nnpm pack\nnpm install --global ./postern-*.tgz\n')
  const TOKEN = await authorizationServer.issueToken({ resource, scopes: ['todo:read'], subject: 'alice' })
  const env = { PATH: installCommand(folder), PORT: `${port}`, TOKEN }
  for (const { commands, expected } of steps) {
    const program = startProgram(t, 'bash', ['-c', local(commands)], { cwd: folder, env })
    if (commands === 'postern serve\n') {
      await program.printed(/"event":"started"/)
      continue
    }
    const { code, stdout, stderr } = await program.ended
    t.equal(stderr, '', commands)
    t.equal(findMissing(stdout, expected), undefined, stdout)
    const isDenied = commands.includes('delete_todo')
    t.equal(code, isDenied ? 1 : 0, commands)
  }
  t.equal(steps.length, 7)
})
