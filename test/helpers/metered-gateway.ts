import type { Test } from 'tap'
import { systemClock, type Clock } from '../../src/clock.js'
import { startServer, type RunningServer } from '../../src/server.js'
import { openMetrics, type Metrics } from '../../src/telemetry/metrics.js'
import { configFor } from './configuration.js'
import { silentServices } from './gateway.js'
import { until } from './until.js'

/** A gateway with an admin listener, whose metrics are read there. */
export interface MeteredGateway {
  readonly server: RunningServer
  readonly metrics: Metrics
  /** Returns the gateway's own series: name and labels → value. */
  read (): Promise<Map<string, number>>
  /** Resolves once a series has a value. A request is counted a moment after its client has the response. */
  untilCounted (series: string, value: number): Promise<void>
}

/** Returns the metrics of a process that loses no lines. */
export function openTestMetrics (clock: Clock = systemClock): Metrics {
  const logState = () => ({ state: 'writing', lost: 0 })
  return openMetrics({ logState, now: clock.now, version: '1.2.3', nodeVersion: 'v20.0.0' })
}

/** Starts a gateway for a whole configuration file, and stops it after the test. */
export async function startMetered (
  t: Test, file: object, clock: Clock = systemClock
): Promise<MeteredGateway> {
  const metrics = openTestMetrics(clock)
  const server = await startServer(
    configFor({ ...file, admin: { port: 0 } }), silentServices({ clock, metrics })
  )
  t.after(() => server.stop())
  async function read (): Promise<Map<string, number>> {
    const text = await (await fetch(`${server.adminUrl}/metrics`)).text()
    return new Map(text.split('\n').filter((line) => line.startsWith('postern_')).map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))]
    }))
  }
  return {
    server,
    metrics,
    read,
    untilCounted: (series, value) => until(async () => (await read()).get(series) === value, `${series} ${value}`)
  }
}
