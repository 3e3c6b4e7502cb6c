/** One option of a command, as the parser, the help and the completions need it. */
export interface OptionSpec {
  /** What the help calls its value. An option without one is a switch. */
  readonly value?: string
  readonly description: string
  /** One letter that means the same. */
  readonly short?: string
  /** May be given several times. */
  readonly isRepeatable?: true
  /** What a shell offers as its value. */
  readonly offers?: 'files' | readonly string[]
}

export interface ArgumentSpec {
  /** The flag under which the command finds it. */
  readonly name: string
  /** What the help calls it. */
  readonly value: string
  readonly description: string
  readonly offers?: 'commands' | readonly string[]
}

export interface CommandSpec {
  /** One line, without a full stop. */
  readonly summary: string
  /** What else there is to know before the first try. */
  readonly details?: string
  /** The one argument that is not an option. */
  readonly argument?: ArgumentSpec
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples?: readonly string[]
}

const CONFIGURATION = {
  config: {
    value: 'FILE',
    offers: 'files',
    description: 'the configuration (default: POSTERN_CONFIG, or ./config.json)'
  },
  host: { value: 'HOST', description: 'where to listen (default: HOST, or 127.0.0.1)' },
  port: { value: 'PORT', description: 'the port (default: PORT, or 3002)' }
} as const

const JSON_OPTION = { description: 'one JSON document instead of text' } as const

/** Instead of a file; each beats a variable. */
const SETUP = {
  resource: {
    value: 'URL', description: 'without a file: the MCP endpoint as clients reach it (or RESOURCE_URL)'
  },
  upstream: { value: 'URL', description: 'the MCP server behind it (or UPSTREAM_URL)' },
  issuer: { value: 'URL', isRepeatable: true, description: 'whose tokens are accepted (or ISSUER_URL)' },
  tool: {
    value: '\'NAME=SCOPE\'', isRepeatable: true, description: 'the scope that a tool needs (or TOOL_SCOPES)'
  }
} as const

const EXAMPLE_SETUP = '--resource http://localhost:3002/mcp --upstream http://localhost:8080/mcp \\\n' +
  '    --issuer https://login.example --tool \'list_*=todo:read\' --tool \'delete_todo=todo:write\''

/** The options of every command. They beat everything else on the command line. */
export const GENERAL_OPTIONS = {
  help: { short: 'h', description: 'how to use Postern, or the command' },
  version: { short: 'v', description: 'the version' }
} as const satisfies Readonly<Record<string, OptionSpec>>

export const EXIT_CODES = '0 success, 1 failure or denial, 64 wrong usage, 78 wrong configuration'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** Every command and option once: what is parsed, the help, the suggestions and the completions follow. */
export const COMMANDS = {
  serve: {
    summary: 'run the gateway (the default)',
    options: { ...CONFIGURATION, ...SETUP },
    examples: ['postern serve --config ./config.json --port 3002', `postern serve ${EXAMPLE_SETUP}`]
  },
  check: {
    summary: 'print every problem of the configuration, or what would be served',
    details: 'With --live the exit code is 1 when something is wrong with a server.',
    options: {
      ...CONFIGURATION,
      ...SETUP,
      live: { description: 'ask the upstreams and authorization servers, too' },
      json: JSON_OPTION
    },
    examples: ['postern check --config ./config.json', 'postern check --live']
  },
  explain: {
    summary: 'print the decision about one operation, and the rule behind it',
    details: 'It needs an operation; without scopes or a token it says which scopes that needs.\n' +
      'The exit code is 1 when it is denied.',
    options: {
      ...CONFIGURATION,
      upstream: SETUP.upstream,
      issuer: SETUP.issuer,
      tool: {
        value: 'NAME',
        isRepeatable: true,
        description: 'a call of this tool; with --upstream, NAME=SCOPE is a rule'
      },
      prompt: { value: 'NAME', description: 'or this prompt' },
      'mcp-resource': { value: 'URI', description: 'or this MCP resource' },
      method: { value: 'NAME', description: 'or this JSON-RPC method' },
      scopes: { value: '"A B"', description: 'the scopes of the caller' },
      token: {
        value: 'JWT', description: 'or an access token, checked as the gateway does (- reads standard input)'
      },
      resource: { value: 'URL', description: 'the protected resource, if there are several or no file' },
      json: JSON_OPTION
    },
    examples: [
      'postern explain --tool delete_todo', 'postern explain --tool delete_todo --scopes "todo:read"'
    ]
  },
  doctor: {
    summary: 'examine an MCP server and its authorization servers from outside',
    details: 'Only --register changes anything there. The exit code is 1 when a requirement does not hold.',
    argument: { name: 'url', value: 'URL', description: 'the URL of an MCP endpoint (or an issuer)' },
    options: {
      token: {
        value: 'JWT',
        description: 'an access token for it, for the checks that need one (- reads standard input)'
      },
      'other-token': { value: 'JWT', description: 'one for another resource, which must be refused (or -)' },
      origin: {
        value: 'ORIGIN', description: 'the web page for which CORS is checked (default: the URL\'s own)'
      },
      timeout: { value: 'SECONDS', description: 'time limit of each request (default: 5)' },
      register: {
        description: 'register clients at its authorization servers, and delete them again'
      },
      json: JSON_OPTION
    },
    examples: ['postern doctor https://todo.example.com/mcp']
  },
  schema: {
    summary: 'print the JSON Schema of the configuration file, for editors',
    options: {},
    examples: ['postern schema > config.schema.json']
  },
  demo: {
    summary: 'run a gateway, a todo server and an authorization server to try',
    details: 'It prints what to try. The first time, npm installs the servers into ~/.cache/postern (25 MB).',
    options: {
      upstream: { value: 'URL', description: 'an MCP server on this machine in place of the todo server' },
      tool: {
        value: '"NAME=SCOPE"',
        isRepeatable: true,
        description: 'what its tools need (default: mcp:read, mcp:write)'
      },
      'gateway-port': { value: 'PORT', description: 'of the gateway (default: 3002)' },
      'todo-port': { value: 'PORT', description: 'of the todo server (default: 8080)' },
      'authorization-server-port': {
        value: 'PORT', description: 'of the authorization server (default: 9000)'
      }
    },
    examples: ['postern demo', 'postern demo --upstream http://localhost:8080/mcp']
  },
  completions: {
    summary: 'print the completions of a shell',
    argument: { name: 'shell', value: SHELLS.join('|'), description: 'the shell', offers: SHELLS },
    options: {},
    examples: [
      'source <(postern completions bash)      # in ~/.bashrc',
      'source <(postern completions zsh)       # in ~/.zshrc, after compinit',
      'postern completions fish | source       # in ~/.config/fish/config.fish'
    ]
  },
  help: {
    summary: 'print how to use Postern, or a command',
    argument: { name: 'command', value: '[COMMAND]', description: 'the command', offers: 'commands' },
    options: {}
  }
} as const satisfies Readonly<Record<string, CommandSpec>>

export type CommandName = keyof typeof COMMANDS

/** What the parser makes of an option: a text, several, or true for a switch. */
type ValueOf<Option> =
  Option extends { isRepeatable: true } ? readonly string[] : Option extends { value: string } ? string : true

type ArgumentOf<Command> =
  Command extends { argument: { name: infer Name extends string } }
    ? { readonly [N in Name]?: string | undefined }
    : unknown

/** The flags that a command gets: each of its options and its argument, as far as they are given. */
export type FlagsOf<Name extends CommandName> = ArgumentOf<typeof COMMANDS[Name]> & {
  readonly [Option in keyof typeof COMMANDS[Name]['options']]?:
    ValueOf<typeof COMMANDS[Name]['options'][Option]> | undefined
}

/** Whether this is the name of a command, and not one that objects inherit. */
export function isCommand (name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}
