import { gateway, type Config } from '../options/gateway.js'
import { isSameListener } from '../options/http-url.js'
import { server as serverOptions } from '../options/server.js'
import { complete } from '../options/terms.js'
import { findPolicyProblems } from '../policy/read.js'
import { findAuthorizationServerProblems } from './authorization-server-problems.js'
import { findHostProblems } from './host-problems.js'
import { placeIn, type PlacedServer } from './place.js'
import { ConfigError, withoutEchoes, type Problem, type Result } from './problem.js'
import { warnAboutMistakes } from './mistakes.js'
import { findServerProblems } from './server-problems.js'
import { warnAboutNestedUpstreams, warnAboutServer } from './server-warnings.js'
import { validateFile, type UsableFile } from './validate.js'

/** The settings that come from the environment and the flags. */
export interface ProcessSettings {
  readonly host: string
  readonly port: number
  readonly logLevel: string
}

/** Returns the complete configuration for the content of a file, and every problem with it. */
export function completeConfig (value: unknown, settings: ProcessSettings): Result<Config> {
  const file = validateFile(value)
  const servers = completeServers(file.value)
  const { host, port, logLevel } = settings
  const config: Config = {
    ...complete(gateway, file.value),
    listen: { host, port },
    logLevel,
    servers: servers.map(({ server }) => server)
  }
  return {
    value: config,
    problems: withoutEchoes([...file.problems, ...findProblems(config, servers)]),
    warnings: [
      ...servers.flatMap((placed) => [...warnAboutServer(placed), ...warnAboutMistakes(placed)]),
      ...warnAboutNestedUpstreams(servers)
    ]
  }
}

/** Returns the complete configuration for the content of a file. Throws ConfigError with every problem. */
export function configFrom (value: unknown, settings: ProcessSettings): Config {
  const { value: config, problems } = completeConfig(value, settings)
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Stands in for required options that the file lacks. They are reported; the rules skip these values. */
const MISSING = { resource: '', upstream: '', authorizationServers: [] }

/** Returns the protected servers with every default filled in. The top level is the default for entries. */
function completeServers (file: UsableFile): PlacedServer[] {
  const { servers, ...shared } = file
  const entries = servers === undefined ? [shared] : servers.map((entry) => ({ ...shared, ...entry }))
  return entries.map((entry, index) => ({
    server: complete(serverOptions, { ...MISSING, ...entry }),
    placeOf: placeIn(file, servers === undefined ? undefined : index)
  }))
}

/** Returns the problems between options: a schema cannot state these rules. */
function findProblems (config: Config, servers: readonly PlacedServer[]): Problem[] {
  return [
    ...servers.flatMap((placed) => [
      ...findServerProblems(placed, config.listen),
      ...findAuthorizationServerProblems(placed)
    ]),
    ...findHostProblems(servers),
    ...findAdminProblems(config),
    ...servers.flatMap(findProblemsOfPolicy)
  ]
}

function findProblemsOfPolicy ({ server, placeOf }: PlacedServer): Problem[] {
  return findPolicyProblems(server.policy).map(({ place, message }) => ({
    place: `${placeOf('policy')}.${place}`,
    message
  }))
}

function findAdminProblems ({ admin, listen }: Config): Problem[] {
  if (admin === undefined || admin.port === 0 || !isSameListener(admin, listen)) return []
  return [{
    place: 'admin.port',
    message: 'is the port that the gateway itself listens on: choose another one'
  }]
}
