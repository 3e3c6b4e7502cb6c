import { randomBytes } from 'node:crypto'
import closeWithGrace from 'close-with-grace'
import { findChanges } from '../config/changes.js'
import type { LoadedConfig } from '../config/load.js'
import { ConfigError } from '../config/problem.js'
import type { Config } from '../options/gateway.js'
import { watchConfigFile } from '../config/watch.js'
import { openFetch } from '../proxied-fetch.js'
import { systemClock } from '../clock.js'
import { createServices, type Services } from '../services.js'
import { startServer, type RunningServer } from '../server.js'
import type { Logger } from '../telemetry/logger.js'
import { openMetrics, type Metrics } from '../telemetry/metrics.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, type Output } from './io.js'
import { describeListenError } from './listen-error.js'
import { openLog, type Log } from './log.js'
import { CRASHES } from './stop.js'
import { readVersion } from './version.js'

/** A stop that hangs is ended this long after the drain deadline. */
const STOP_MARGIN_MS = 5_000
/**
 * After a signal, so long it goes on accepting: what was sent on a kept-alive connection, or waits to be
 * accepted, is answered, and every client that is busy learns that its connection ends. Longer than a round
 * trip around the world, and than the pause between two requests of a client that keeps a connection busy.
 */
const LAME_DUCK_MS = 1_000

const RANDOM_SESSION_KEY = 'session.key is not set: ' +
  'legacy sessions are bound with a random key, so replicas and restarts do not share them'
const RELOAD_FAILED = 'the changed configuration is not usable; the previous one stays in use'

interface Gateway {
  readonly server: RunningServer
  readonly services: Services
  readonly log: Log
  /** The configuration from which the listeners were made. */
  readonly startedWith: LoadedConfig
  /** The configuration in use. */
  readonly config: Config
}

/** Runs the gateway until it is told to stop. Returns an exit code only when it could not start. */
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
  // From now on only this file counts: when it is gone for a moment, other settings must not replace it.
  const pinned = { ...flags, config: file ?? flags.config }
  // Reloads run one after the other, or a slow one could put an older configuration over a newer one.
  // Watching begins before the load that counts, so that no change in between is missed.
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
  const log = await openLog(config.logLevel, startedWith.logFormat)
  const services = createServices({
    logger: log.logger,
    logState: log.state,
    fetch: await openFetch(startedWith.proxies ?? {}),
    sessionKey: randomBytes(32).toString('base64'),
    ...(config.admin === undefined ? {} : { metrics: measure(log) })
  })
  const server = await startServer(config, services)
  prepareKeys(config, services)
  return { server, services, log, startedWith, config }
}

function measure ({ state: logState }: Log): Metrics {
  const { now } = systemClock
  return openMetrics({ logState, now, version: readVersion(), nodeVersion: process.version })
}

/** Logs what is served. The last line is the sign that the gateway can be used, and stopped. */
function announce ({ server, log: { logger }, startedWith }: Gateway): void {
  const { url, adminUrl } = server
  const { config, source, warnings } = startedWith
  logWarnings(warnings, logger)
  if (config.servers.some(({ session }) => session.key === undefined)) {
    logger.info({ event: 'configuration' }, RANDOM_SESSION_KEY)
  }
  const resources = resourcesOf(config)
  logger.info({ event: 'started', url, adminUrl, source, resources }, `listening on ${url}`)
}

/** Builds the next application from the changed file. When that fails, the old one goes on (O2). */
async function reload (flags: CommonFlags, gateway: Gateway): Promise<Gateway> {
  const { server, services, log: { logger }, startedWith, config: previous } = gateway
  try {
    const { config, warnings } = await loadForCommand(flags)
    await server.reload(config)
    logWarnings([...warnings, ...findIneffective(startedWith.config, config)], logger)
    prepareKeys(config, services)
    await services.metrics.recordReload?.(resourcesOf(config))
    const changes = { resources: resourcesOf(config), ...findChanges(previous, config) }
    logger.info({ event: 'reloaded', ...changes }, 'the changed configuration is in use')
    return { ...gateway, config }
  } catch (error) {
    services.metrics.recordFailedReload?.()
    const reason = error instanceof ConfigError ? { problems: error.problems } : { err: error }
    logger.error({ event: 'reload failed', ...reason }, RELOAD_FAILED)
    return gateway
  }
}

/** The options of listeners. A reload does not apply them: the listeners would have to close. */
const OF_LISTENERS: Readonly<Record<string, (config: Config) => unknown>> = {
  admin: ({ admin }) => admin,
  'limits.connections': ({ limits }) => limits.connections,
  'limits.headerBytes': ({ limits }) => limits.headerBytes,
  'limits.drainMs': ({ limits }) => limits.drainMs
}

function findIneffective (startedWith: Config, config: Config): string[] {
  return Object.entries(OF_LISTENERS)
    .filter(([, read]) => JSON.stringify(read(startedWith)) !== JSON.stringify(read(config)))
    .map(([place]) => `${place}: takes effect only at the next start`)
}

function logWarnings (warnings: readonly string[], logger: Logger): void {
  for (const warning of warnings) logger.warn({ event: 'configuration' }, warning)
}

/** Fetches keys before the first token needs them. */
function prepareKeys ({ servers }: Config, services: Services): void {
  for (const { authorizationServers } of servers) {
    for (const config of authorizationServers) services.authorizationServer(config).prepare()
  }
}

function resourcesOf ({ servers }: Config): string[] {
  return servers.map(({ resource }) => resource)
}

/**
 * On a signal, ends the process with code 0 once everything has stopped; on a second signal, with code 1 at
 * once (O3). Not on SIGHUP, with which operators and service managers ask for a look at the configuration.
 */
function stopOnSignal ({ server, log, startedWith: { config } }: Gateway, onStop: () => void): void {
  const { logger } = log
  const error = (message?: unknown): void => {
    logger.error({ event: 'stopping', err: message instanceof Error ? message : undefined }, String(message))
  }
  const delay = config.limits.drainMs + STOP_MARGIN_MS
  closeWithGrace({ delay, logger: { error }, skip: ['SIGHUP', ...CRASHES] }, async ({ signal, err }) => {
    if (err === undefined) logger.info({ event: 'stopping', signal }, 'stopping: finishing open requests')
    else logger.fatal({ event: 'failure', err }, 'stopping after a failure')
    onStop()
    await server.stop(LAME_DUCK_MS)
    await log.settle()
  })
}
