import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Decision } from '../policy/policy.js'
import type { LogState } from './log-destination.js'
import { METRICS } from './metric-table.js'

/** What one request adds to the metrics. */
export interface RequestMeasure {
  readonly resource: string
  /** One of a fixed set. */
  readonly method: string
  /** `allow`, or the code of the refusal. */
  readonly outcome: string
  readonly httpStatus: number
  readonly durationMs: number
  /** Time until it was sent to the upstream; undefined when it was not. */
  readonly preparationMs: number | undefined
  /** Null when the request did not get as far as the policy. */
  readonly decision: Decision | null
}

/** How an upstream took one request. */
export interface UpstreamMeasure {
  readonly resource: string
  /** Time until the header of its response or its failure; undefined when that may be any time. */
  readonly headerMs: number | undefined
  readonly failure: string | undefined
}

/** What is read when somebody asks. */
export interface Snapshot {
  readonly connections: number
  readonly streams: number
  readonly keyAges: ReadonlyArray<{ readonly issuer: string, readonly seconds: number }>
}

/** What the process counts. Without admin listener nobody reads it, and nothing is measured. */
export interface Metrics {
  readonly record?: (measure: RequestMeasure) => void
  readonly recordUpstream?: (measure: UpstreamMeasure) => void
  /** Counts a changed configuration that is in use, and forgets what is only about earlier ones. */
  readonly recordReload?: (resources: readonly string[]) => Promise<void>
  readonly recordFailedReload?: () => void
  /** Returns the metrics in the text format of Prometheus. */
  render (snapshot: Snapshot): Promise<{ readonly contentType: string, readonly body: string }>
}

/** For a process without admin listener, where nobody reads metrics. */
export const NO_METRICS: Metrics = {
  render: async () => ({ contentType: 'text/plain', body: '' })
}

export interface MetricsOptions {
  readonly logState: () => LogState
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of Postern, and of Node. */
  readonly version: string
  readonly nodeVersion: string
}

const BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60
]

type Kind = typeof METRICS[keyof typeof METRICS]

/** Opens the metrics of a process: those of the table, and those of Node. */
export function openMetrics ({ logState, now, version, nodeVersion }: MetricsOptions): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const options = ({ name, help, labels }: Kind) => ({ name, help, labelNames: labels, registers })
  const counter = (kind: Kind): Counter => new Counter(options(kind))
  const gauge = (kind: Kind): Gauge => new Gauge(options(kind))
  const histogram = (kind: Kind): Histogram => new Histogram({ ...options(kind), buckets: BUCKETS_SECONDS })

  const requests = counter(METRICS.requests)
  const decisions = counter(METRICS.decisions)
  const upstreamFailures = counter(METRICS.upstreamFailures)
  const durations = histogram(METRICS.durations)
  const preparations = histogram(METRICS.preparations)
  const upstreamDurations = histogram(METRICS.upstreamDurations)
  const connections = gauge(METRICS.connections)
  const streams = gauge(METRICS.streams)
  const keyAges = gauge(METRICS.keyAges)
  const reloads = counter(METRICS.reloads)
  const lastReloadSuccessful = gauge(METRICS.lastReloadSuccessful)
  const configurationSince = gauge(METRICS.configurationSince)
  const lostLines = counter(METRICS.lostLines)
  gauge(METRICS.build).set({ version, node: nodeVersion }, 1)
  for (const outcome of ['ok', 'failed']) reloads.inc({ outcome }, 0)
  lastReloadSuccessful.set(1)
  configurationSince.set(now() / 1000)

  return {
    record ({ resource, method, outcome, httpStatus, durationMs, preparationMs, decision }) {
      requests.inc({ resource, method, outcome, status: String(httpStatus) })
      durations.observe({ resource }, durationMs / 1000)
      if (preparationMs !== undefined) preparations.observe({ resource }, preparationMs / 1000)
      if (decision === null) return
      const said = decision.effect === 'allow' ? 'allow' : decision.reason
      decisions.inc({ resource, rule: decision.rule, decision: said })
    },
    recordUpstream ({ resource, headerMs, failure }) {
      if (headerMs !== undefined) upstreamDurations.observe({ resource }, headerMs / 1000)
      if (failure !== undefined) upstreamFailures.inc({ resource, kind: failure })
    },
    async recordReload (resources) {
      reloads.inc({ outcome: 'ok' })
      lastReloadSuccessful.set(1)
      configurationSince.set(now() / 1000)
      decisions.reset() // by rules that may be gone
      const kept = new Set<unknown>(resources)
      for (const metric of [requests, upstreamFailures, durations, preparations, upstreamDurations]) {
        await forgetResources(metric, kept)
      }
    },
    recordFailedReload () {
      reloads.inc({ outcome: 'failed' })
      lastReloadSuccessful.set(0)
    },
    async render (snapshot) {
      connections.set(snapshot.connections)
      streams.set(snapshot.streams)
      keyAges.reset()
      for (const { issuer, seconds } of snapshot.keyAges) keyAges.set({ issuer }, seconds)
      lostLines.reset()
      lostLines.inc(logState().lost)
      return { contentType: registry.contentType, body: await registry.metrics() }
    }
  }
}

/** Removes the series of resources that are no longer served, or every reload could add some. */
async function forgetResources (metric: Counter | Histogram, kept: ReadonlySet<unknown>): Promise<void> {
  for (const { labels: { le, ...labels } } of (await metric.get()).values as LabelledValue[]) {
    if (!kept.has(labels['resource'])) metric.remove(labels)
  }
}

interface LabelledValue {
  readonly labels: Readonly<Record<string, string | number>>
}
