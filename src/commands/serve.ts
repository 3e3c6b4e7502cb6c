import { randomBytes } from 'node:crypto'
import closeWithGrace from 'close-with-grace'
import type { LoadedConfig } from '../config/load.js'
import { ConfigError } from '../config/problem.js'
import type { Config } from '../options/gateway.js'
import { watchConfigFile } from '../config/watch.js'
import { createServices, type Services } from '../http/services.js'
import { startServer, type RunningServer } from '../server.js'
import { openLogger, type Logger } from '../telemetry/logger.js'
import { openMetrics } from '../telemetry/metrics.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, type Output } from './io.js'
import { describeListenError } from './listen-error.js'

/** Time beyond the drain deadline after which a stop that hangs is cut short. */
const STOP_MARGIN_MS = 5_000

interface Gateway {
  readonly server: RunningServer
  readonly services: Services
  readonly logger: Logger
  /** What the listeners were made from. */
  readonly startedWith: LoadedConfig
}

/** Runs the gateway until it is told to stop. Returns only when it could not start. */
export async function serve (flags: CommonFlags, output: Output): Promise<number | undefined> {
  try {
    await run(flags)
    return undefined
  } catch (error) {
    const listenError = describeListenError(error)
    if (listenError === undefined) return reportConfigError(error, output)
    output.printError(`postern: ${listenError}`)
    return EXIT.failure
  }
}

async function run (flags: CommonFlags): Promise<void> {
  const { file } = await loadForCommand(flags)
  // From now on this file or nothing: were it gone for a moment, other settings must not stand in for it.
  const pinned = { ...flags, config: file ?? flags.config }
  // One after the other, or a slow reload could put an older configuration over a newer one. Watched before the load
  // that counts begins: nothing written in between is missed.
  let work: Promise<Gateway>
  function enqueueReload (): void {
    work = work.then((gateway) => reload(pinned, gateway))
    work.catch(() => {}) // the start failed, which is reported once, below
  }
  const watcher = file === undefined ? undefined : watchConfigFile(file, enqueueReload)
  work = loadForCommand(pinned).then(start)
  try {
    const gateway = await work
    stopOnSignal(gateway, () => { watcher?.close() })
    process.on('SIGHUP', () => { watcher?.check() })
    announce(gateway)
  } catch (error) {
    watcher?.close()
    throw error
  }
}

async function start (startedWith: LoadedConfig): Promise<Gateway> {
  const { config } = startedWith
  const logger = openLogger(config.logLevel)
  const services = createServices({
    logger,
    sessionKey: randomBytes(32).toString('base64'),
    ...(config.admin === undefined ? {} : { metrics: openMetrics() })
  })
  const server = await startServer(config, services)
  prepareKeys(config, services)
  return { server, services, logger, startedWith }
}

/** Says what is served. The last line is the sign that it can be used, and stopped. */
function announce ({ server: { url, adminUrl }, logger, startedWith: { config, source, warnings } }: Gateway): void {
  logWarnings(warnings, logger)
  if (config.servers.some(({ session }) => session.key === undefined)) {
    logger.info({ event: 'configuration' }, 'session.key is not set: legacy sessions are bound with a random key, so replicas and restarts do not share them')
  }
  logger.info({ event: 'started', url, adminUrl, source, resources: resourcesOf(config) }, `listening on ${url}`)
}

/** Builds the next application from the changed file; when that fails the old one goes on (O2). */
async function reload (flags: CommonFlags, gateway: Gateway): Promise<Gateway> {
  const { server, services, logger, startedWith } = gateway
  try {
    const { config, warnings } = await loadForCommand(flags)
    await server.reload(config)
    logWarnings([...warnings, ...findIneffective(startedWith.config, config)], logger)
    prepareKeys(config, services)
    logger.info({ event: 'reloaded', resources: resourcesOf(config) }, 'the changed configuration is in use')
  } catch (error) {
    const reason = error instanceof ConfigError ? { problems: error.problems } : { err: error }
    logger.error({ event: 'reload failed', ...reason }, 'the changed configuration is not usable; the previous one stays in use')
  }
  return gateway
}

/** What the listeners are made from, and a reload leaves as it is: they would have to close. */
const OF_LISTENERS: Readonly<Record<string, (config: Config) => unknown>> = {
  admin: ({ admin }) => admin,
  'limits.connections': ({ limits }) => limits.connections,
  'limits.headerBytes': ({ limits }) => limits.headerBytes,
  'limits.drainMs': ({ limits }) => limits.drainMs
}

function findIneffective (startedWith: Config, config: Config): string[] {
  return Object.entries(OF_LISTENERS)
    .filter(([, read]) => JSON.stringify(read(startedWith)) !== JSON.stringify(read(config)))
    .map(([place]) => `${place}: takes effect at the next start only`)
}

function logWarnings (warnings: readonly string[], logger: Logger): void {
  for (const warning of warnings) logger.warn({ event: 'configuration' }, warning)
}

/** Fetches keys before the first token needs them. */
function prepareKeys ({ servers }: Config, services: Services): void {
  for (const config of servers.flatMap(({ authorizationServers }) => authorizationServers)) services.authorizationServer(config).prepare()
}

function resourcesOf ({ servers }: Config): string[] {
  return servers.map(({ resource }) => resource)
}

/**
 * Ends the process with code 0 once everything has stopped, with code 1 at once on a second signal (O3). Not on SIGHUP,
 * with which operators and service managers ask a server to look at its configuration.
 */
function stopOnSignal ({ server, logger, startedWith: { config } }: Gateway, onStop: () => void): void {
  const error = (message?: unknown): void => logger.error({ event: 'stopping', err: message instanceof Error ? message : undefined }, String(message))
  closeWithGrace({ delay: config.limits.drainMs + STOP_MARGIN_MS, logger: { error }, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err === undefined) logger.info({ event: 'stopping', signal }, 'stopping: finishing what is in flight')
    else logger.fatal({ event: 'failure', err }, 'stopping after a failure')
    onStop()
    await server.stop()
  })
}
