import t, { type Test } from 'tap'
import { startProgram, type Ended } from '../helpers/process.js'
import { startTodoStack, TODO_POLICY, type TodoStack } from '../helpers/todo-stack.js'

// The Inspector needs a newer Node than this project, so it is no dependency: npx fetches both once and keeps them.
// `npm test` fetches nothing; `npm run interop` runs this.
const skip = process.env['INTEROP'] === '1' ? false : 'npm run interop; fetches the Inspector'
const PACKAGES = ['node@24', '@modelcontextprotocol/inspector@2.12.0']

const EXIT = { ok: 0, insufficientScope: 1, authenticationRequired: 3 }
const ERAS = ['legacy', 'modern']

interface Program {
  readonly node: string
  readonly inspector: string
}

/** Returns where npx has put the Inspector and its Node. */
async function fetchInspector (t: Test): Promise<Program> {
  const args = ['--yes', ...PACKAGES.flatMap((name) => ['--package', name]), '--call', 'command -v node && command -v mcp-inspector']
  const { code, stdout, stderr } = await startProgram(t, 'npx', args, { env: process.env as Record<string, string> }).ended
  const [node = '', inspector = ''] = stdout.trim().split('\n')
  if (code !== 0 || inspector === '') throw new Error(`npx could not fetch ${PACKAGES.join(' and ')}: ${stderr}`)
  return { node, inspector }
}

t.test('the MCP Inspector', { skip }, async (t) => {
  const { node, inspector } = await fetchInspector(t)

  function inspect (t: Test, { gateway }: TodoStack, token: string | undefined, args: string[]): Promise<Ended> {
    const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]
    // `--stored-auth-only`: it must not open a browser. It keeps its state in the home directory.
    return startProgram(t, node, [
      inspector, '--cli', '--server-url', gateway.resource, '--transport', 'http', '--format', 'json', '--stored-auth-only', ...header, ...args
    ], { env: { HOME: t.testdir() } }).ended
  }

  function tokenFor ({ gateway, authorizationServer }: TodoStack, ...scopes: string[]): Promise<string> {
    return authorizationServer.issueToken({ resource: gateway.resource, scopes, subject: 'ada' })
  }

  await t.test('lists and calls tools with a token', async (t) => {
    const stack = await startTodoStack(t)
    const token = await tokenFor(stack, 'todo:read', 'todo:write')
    for (const era of ERAS) {
      const listed = await inspect(t, stack, token, ['--protocol-era', era, '--method', 'tools/list'])
      t.equal(listed.code, EXIT.ok, era)
      const { result } = JSON.parse(listed.stdout) as { result: { tools: { name: string }[] } }
      t.same(result.tools.map(({ name }) => name).sort(), ['create_todo', 'delete_todo', 'get_todo', 'list_todos', 'update_todo'])

      const called = await inspect(t, stack, token, ['--protocol-era', era, '--method', 'tools/call', '--tool-name', 'create_todo', '--tool-arg', `title=${era}`])
      t.equal(called.code, EXIT.ok, era)
      t.match(JSON.parse(called.stdout), { result: { structuredContent: { todo: { title: era } } } })
    }
  })

  await t.test('is told that a token lacks a scope', async (t) => {
    const stack = await startTodoStack(t, { config: { policy: { ...TODO_POLICY, filterLists: false } } })
    const token = await tokenFor(stack, 'todo:read')
    for (const era of ERAS) {
      const args = ['--protocol-era', era, '--method', 'tools/call', '--tool-name', 'create_todo', '--tool-arg', 'title=x']
      t.equal((await inspect(t, stack, token, args)).code, EXIT.insufficientScope)
    }
  })

  await t.test('is told that authentication is required, without a token and with a wrong one', async (t) => {
    const stack = await startTodoStack(t)
    for (const [era, token] of [['legacy', undefined], ['modern', 'wrong']] as const) {
      t.equal((await inspect(t, stack, token, ['--protocol-era', era, '--method', 'tools/list'])).code, EXIT.authenticationRequired)
    }
  })
})
