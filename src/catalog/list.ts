/**
 * What an upstream lists: its tools, prompts, MCP resources and resource templates, all pages, whichever
 * era it speaks. Everything in it is the upstream's own claim.
 */
import { readListing, UnreadableList } from '../mcp/listing.js'
import { openHttpUpstream } from '../upstream/http.js'
import { connect, type Connection } from './connection.js'
import { CatalogError, openExchange, type CatalogLimits } from './exchange.js'

export interface CatalogOptions {
  /** URL of the MCP endpoint. */
  readonly upstream: string
  /** Sent with every request, such as the upstream's key. */
  readonly headers: Readonly<Record<string, string>>
  readonly limits?: Partial<CatalogLimits>
}

/** The names in an upstream's lists, in its order, each once. */
export interface Catalog {
  /** The protocol revision in which it was asked. */
  readonly revision: string
  readonly tools: readonly string[]
  readonly prompts: readonly string[]
  /** URIs. */
  readonly resources: readonly string[]
  /** URI templates (RFC 6570). */
  readonly resourceTemplates: readonly string[]
}

type Member = Exclude<keyof Catalog, 'revision'>

/** Enough for ten thousand tools with large schemas, and little enough for a machine in a pipeline. */
const LIMITS: CatalogLimits = { ms: 15_000, bytes: 33_554_432, requests: 200 }
const MAX_NAMES = 20_000

const METHODS: ReadonlyArray<readonly [member: Member, capability: string, method: string]> = [
  ['tools', 'tools', 'tools/list'],
  ['prompts', 'prompts', 'prompts/list'],
  ['resources', 'resources', 'resources/list'],
  ['resourceTemplates', 'resources', 'resources/templates/list']
]

/** JSON-RPC 2.0 §5.1. */
const METHOD_NOT_FOUND = -32601

/** Returns what an upstream lists. Nothing there is changed. Throws CatalogError and OldTransport. */
export async function listCatalog (
  { upstream: url, headers, limits = {} }: CatalogOptions
): Promise<Catalog> {
  const all = { ...LIMITS, ...limits }
  const { pathname } = new URL(url)
  const upstream = openHttpUpstream(url, all.ms)
  const exchange = openExchange(upstream, pathname, all)
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  const usual = { host: upstream.authority, 'accept-encoding': 'identity' }
  try {
    const connection = await connect(exchange, { ...usual, ...Object.fromEntries(own) })
    const names = new Map<Member, readonly string[]>()
    for (const [member, capability, method] of METHODS) {
      if (mayHave(connection, capability)) names.set(member, await listNames(connection, member, method))
    }
    await connection.end()
    const { revision } = connection
    const list = (member: Member): readonly string[] => names.get(member) ?? []
    return {
      revision,
      tools: list('tools'),
      prompts: list('prompts'),
      resources: list('resources'),
      resourceTemplates: list('resourceTemplates')
    }
  } finally {
    await exchange.close()
  }
}

function mayHave ({ capabilities }: Connection, capability: string): boolean {
  return capabilities === undefined || capabilities[capability] !== undefined
}

async function listNames (
  connection: Connection, member: Member, method: string
): Promise<readonly string[]> {
  const names = new Set<string>()
  const cursors = new Set<string>()
  for (let cursor: string | undefined; ;) {
    const response = await connection.request(method, cursor === undefined ? {} : { cursor })
    if (response.kind === 'error') {
      if (response.code === METHOD_NOT_FOUND && cursor === undefined) return []
      throw new CatalogError(`${method} has the error ${JSON.stringify(response.code)?.slice(0, 40)}`)
    }
    for (const name of namesIn(response.message, member, method)) names.add(name)
    if (names.size > MAX_NAMES) throw new CatalogError(`${method} has more than ${MAX_NAMES} entries`)
    const { nextCursor } = response.result
    if (typeof nextCursor !== 'string') return [...names]
    if (cursors.has(nextCursor)) throw new CatalogError(`${method} repeats a cursor: its pages never end`)
    cursors.add(cursor = nextCursor)
  }
}

/** Reads a list as the gateway does when it filters it, and finds what the gateway would refuse. */
function namesIn (message: Buffer, member: Member, method: string): string[] {
  try {
    return readListing(message).lists
      .filter((list) => list.member === member)
      .flatMap(({ entries }) => entries.map(({ name }) => name))
  } catch (error) {
    if (!(error instanceof UnreadableList)) throw error
    throw new CatalogError(`${method} cannot be read, so the gateway would not pass it on: ${error.message}`)
  }
}
