import {
  connectLegacyClient, connectModernClient, connectV1Client, type ToolResult
} from '../../helpers/oauth-client.js'
import type { Era } from '../revisions.js'
import type { Client, Visit } from '../visit.js'

/** What all versions of the official client have in common. */
interface Connected {
  listTools (): Promise<string[]>
  callTool (name: string, args?: Record<string, unknown>): Promise<ToolResult>
}

type Connect = (...args: Parameters<typeof connectModernClient>) => Promise<Connected>

/** Returns the official clients: 2.x with each family of revisions, and 1.x. They sign in and step up. */
export function listSdkClients (): readonly Client[] {
  return [
    createClient('client 2.x, modern', 'modern', connectModernClient),
    createClient('client 2.x, legacy', 'legacy', connectLegacyClient),
    createClient('client 1.x', 'legacy', connectV1Client)
  ]
}

function createClient (title: string, era: Era, connect: Connect): Client {
  return {
    title,
    era,
    signsInElsewhere: true,
    takes: 'a client id and scopes',
    async visit (closing, { stack, transport, task, subject }): Promise<Visit> {
      const { resource, authorizationServer: { issuer, client: known } } = stack.filtered
      const client = await connect(closing, resource, {
        subject, transport, known: known && { issuer, ...known }
      })
      const call = async ({ tool, args }: typeof task.allowed): Promise<string> => textOf(
        await client.callTool(tool, args)
      )
      return {
        list: 'filtered',
        tools: await client.listTools(),
        allowed: await call(task.allowed),
        forbidden: await client.callTool(task.forbidden.tool, task.forbidden.args).then(refusalOf, String),
        privileged: await call(task.privileged).then(
          (text) => ({ kind: 'answered', text }),
          (error) => ({ kind: 'refused', text: String(error) })
        )
      }
    }
  }
}

/** Returns the text of a result. */
export function textOf ({ content }: Pick<ToolResult, 'content'>): string {
  return (content as readonly { text?: string }[]).map(({ text = '' }) => text).join('\n')
}

/** Returns the text of a result that is an error; undefined for any other. */
export function refusalOf (result: Pick<ToolResult, 'content' | 'isError'>): string | undefined {
  return result.isError === true ? textOf(result) : undefined
}
