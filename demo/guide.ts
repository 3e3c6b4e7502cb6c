import {
  callTool, DEFINE_SHOW, exportSession, exportToken, listTools, type TokenRequest
} from './curl.js'
import type { Scene, Trial } from './scene.js'

export type GuideFacts = TokenRequest & Trial & Pick<Scene, 'upstream' | 'note'>

/** Returns a text in a style, where its reader sees styles. */
export type Paint = (style: 'bold' | 'cyan', text: string) => string

interface Step {
  readonly title: string
  readonly commands: readonly string[]
}

/** Returns the lines that tell what to try. The commands work as they are, one after the other. */
export function renderGuide (facts: GuideFacts, paint: Paint): string[] {
  const { resource, issuer, upstream, note } = facts
  const steps = listSteps(facts).flatMap(({ title, commands }, index) => [
    '', paint('bold', `${index + 1}. ${title}`), '', ...commands.map((line) => paint('cyan', line))
  ])
  return [
    '',
    `Postern protects ${resource}; behind it is ${upstream}`,
    `Authorization server: ${issuer} (sign in with any name)`,
    ...(note === undefined ? [] : [note]),
    '',
    'Copy into another terminal (bash, zsh or another POSIX shell), in this order:',
    ...steps,
    '',
    paint('bold', 'Or connect a client. It finds the authorization server, and opens a browser to log in:'),
    '',
    ...listClients(resource),
    '',
    'Stop with Ctrl+C.'
  ]
}

function listSteps (facts: GuideFacts): Step[] {
  const { resource, dialect, scopes, allowed, stepUp } = facts
  const session = dialect === 'session' ? exportSession(resource) : []
  return [
    { title: 'What makes responses readable', commands: DEFINE_SHOW },
    { title: `A token ${describe(scopes)}`, commands: [...exportToken(facts, scopes), ...session] },
    allowed === undefined
      ? { title: 'It sees the tools that it may call: 200', commands: listTools(resource, dialect) }
      : { title: `It may call ${allowed.tool}: 200`, commands: callTool(resource, dialect, allowed) },
    ...(stepUp === undefined ? [] : listStepUp(facts, stepUp))
  ]
}

function listStepUp (
  facts: GuideFacts, { call, scopes }: NonNullable<Trial['stepUp']>
): Step[] {
  const commands = callTool(facts.resource, facts.dialect, call)
  return [
    { title: `It may not call ${call.tool}: 403, and WWW-Authenticate names the scopes for it`, commands },
    { title: `The step-up: a token ${describe(scopes)}`, commands: exportToken(facts, scopes) },
    { title: 'The same call: 200', commands }
  ]
}

function describe (scopes: readonly string[]): string {
  if (scopes.length === 0) return 'without any scope'
  return `with the scope${scopes.length === 1 ? '' : 's'} ${scopes.join(' ')}`
}

function listClients (resource: string): string[] {
  const vsCode = JSON.stringify({ name: 'postern-demo', type: 'http', url: resource })
  return [
    `  MCP Inspector   npx @modelcontextprotocol/inspector --transport http --server-url ${resource}`,
    `  Claude Code     claude mcp add --transport http postern-demo ${resource}`,
    `  VS Code         code --add-mcp '${vsCode}'`
  ]
}
