import { buildApp } from '../http/app.js'
import { openFetch } from '../proxied-fetch.js'
import { createServices } from '../services.js'
import { SILENT } from '../telemetry/logger.js'
import { formatCheck, isOk, toDocument } from './check-report.js'
import type { FlagsOf } from './command-line.js'
import { loadForCommand, reportConfigError, reportConfigErrorAsJson } from './configuration.js'
import { EXIT, type Output } from './io.js'
import { printJson } from './json.js'
import { examineLive } from './live.js'

/**
 * Does what `serve` does before it listens, and prints every problem, or what would be served. With `live` it
 * asks the servers, too, and returns 1 when something there is wrong.
 */
export async function check (flags: FlagsOf<'check'>, output: Output): Promise<number> {
  try {
    const loaded = await loadForCommand(flags)
    const { config, proxies = {} } = loaded
    const services = createServices({ logger: SILENT, sessionKey: '', fetch: await openFetch(proxies) })
    await (await buildApp(config, services)).close()
    const live = flags.live === true
      ? await Promise.all(config.servers.map((server) => examineLive(server, services)))
      : undefined
    const report = { loaded, live }
    if (flags.json === true) printJson(toDocument(report), output)
    else output.print(formatCheck(report, output.paint))
    return isOk(report) ? EXIT.ok : EXIT.failure
  } catch (error) {
    return flags.json === true ? reportConfigErrorAsJson(error, output) : reportConfigError(error, output)
  }
}
