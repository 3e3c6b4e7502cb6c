import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { LogState } from './log-destination.js'

/**
 * What one request adds to the metrics. Labels come from fixed sets, so a client cannot make more of them.
 */
export interface RequestMeasure {
  readonly resource: string
  /** `allow`, or the code of the refusal. */
  readonly outcome: string
  readonly httpStatus: number
  readonly durationMs: number
}

export interface Metrics {
  record (measure: RequestMeasure): void
  /** Returns the metrics in the text format of Prometheus. */
  render (): Promise<{ readonly contentType: string, readonly body: string }>
}

/** For a process without admin listener, where nobody reads metrics. */
export const NO_METRICS: Metrics = {
  record () {},
  render: async () => ({ contentType: 'text/plain', body: '' })
}

const DURATION_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60
]

/**
 * Opens the metrics of a process: requests by outcome, their durations, lines that the log lost, and those of
 * Node.
 */
export function openMetrics (logState: () => LogState): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'postern_requests_total',
    help: 'Requests that reached authentication, by outcome',
    labelNames: ['resource', 'outcome', 'status'],
    registers: [registry]
  })
  const durations = new Histogram({
    name: 'postern_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its response; streams count when they end',
    labelNames: ['resource'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers: [registry]
  })
  new Counter({ // eslint-disable-line no-new
    name: 'postern_log_lines_lost_total',
    help: 'Lines of the log that were lost because standard output took no more',
    registers: [registry],
    collect () {
      this.reset()
      this.inc(logState().lost)
    }
  })
  return {
    record ({ resource, outcome, httpStatus, durationMs }) {
      requests.inc({ resource, outcome, status: String(httpStatus) })
      durations.observe({ resource }, durationMs / 1000)
    },
    async render () {
      return { contentType: registry.contentType, body: await registry.metrics() }
    }
  }
}
