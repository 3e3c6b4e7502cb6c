import { randomBytes } from 'node:crypto'
import closeWithGrace from 'close-with-grace'
import { ConfigError } from '../config/load.js'
import { watchConfigFile } from '../config/watch.js'
import { createServices } from '../http/services.js'
import { startServer, type RunningServer } from '../server.js'
import { openLogger, type Logger } from '../telemetry/logger.js'
import { openMetrics } from '../telemetry/metrics.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, type Output } from './io.js'

/** Time beyond the drain deadline after which a stop that hangs is cut short. */
const STOP_MARGIN_MS = 5_000

/** Runs the gateway until it is told to stop. Returns only when it could not start. */
export async function serve (flags: CommonFlags, output: Output): Promise<number | undefined> {
  try {
    const loaded = await loadForCommand(flags)
    const { config } = loaded
    const logger = openLogger(config.logLevel)
    const services = createServices({
      logger,
      sessionKey: randomBytes(32).toString('base64'),
      ...(config.admin === undefined ? {} : { metrics: openMetrics() })
    })
    for (const warning of loaded.warnings) logger.warn({ event: 'configuration' }, warning)
    if (config.servers.some(({ sessionKeys }) => sessionKeys.length === 0)) {
      logger.info({ event: 'configuration' }, 'session.key is not set: legacy sessions are bound with a random key, so replicas and restarts do not share them')
    }
    const server = await startServer(config, services)
    for (const { authorizationServers } of config.servers) {
      for (const authorizationServer of authorizationServers) services.authorizationServer(authorizationServer).prepare()
    }
    logger.info({ event: 'started', url: server.url, adminUrl: server.adminUrl, source: loaded.source, resources: config.servers.map(({ resource }) => resource) }, `listening on ${server.url}`)
    const watcher = loaded.file === undefined ? undefined : watchConfigFile(loaded.file, () => { reload(flags, server, logger) })
    closeWithGrace({ delay: config.limits.drainMs + STOP_MARGIN_MS, logger: { error: (message?: unknown) => logger.error({ event: 'stopping', err: message instanceof Error ? message : undefined }, String(message)) } },
      async ({ signal, err }) => {
        if (err !== undefined) logger.fatal({ event: 'failure', err }, 'stopping after a failure')
        else logger.info({ event: 'stopping', signal }, 'stopping: finishing what is in flight')
        watcher?.close()
        await server.stop()
        logger.flush()
      })
    return undefined
  } catch (error) {
    if (isTakenPort(error)) {
      output.printError(`postern: ${error.address}:${error.port} is taken. Choose another port with --port or PORT`)
      return EXIT.failure
    }
    return reportConfigError(error, output)
  }
}

/** Builds the next application from the changed file; when that fails the old one goes on (O2). */
async function reload (flags: CommonFlags, server: RunningServer, logger: Logger): Promise<void> {
  try {
    const { config, warnings } = await loadForCommand(flags)
    for (const warning of warnings) logger.warn({ event: 'configuration' }, warning)
    await server.reload(config)
    logger.info({ event: 'reloaded', resources: config.servers.map(({ resource }) => resource) }, 'the changed configuration is in use')
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : undefined
    logger.error({ event: 'reload failed', ...(problems === undefined ? { err: error } : { problems }) }, 'the changed configuration is not usable; the previous one stays in use')
  }
}

function isTakenPort (error: unknown): error is Error & { address: string, port: number } {
  return (error as { code?: unknown }).code === 'EADDRINUSE'
}
