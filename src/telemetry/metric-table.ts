interface MetricKind {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/**
 * Every metric of the gateway. docs/operations.md lists them from here. Values of labels come from the
 * configuration or from fixed sets, so a client cannot make more of them.
 */
export const METRICS = {
  requests: {
    name: 'postern_requests_total',
    type: 'counter',
    labels: ['resource', 'method', 'outcome', 'status'],
    help: 'Requests that reached authentication. method: the MCP method, other, or none for a request that ' +
      'was refused before its message was read or carries none. outcome: allow, the code of the refusal or ' +
      'failure, or client_left'
  },
  durations: {
    name: 'postern_request_duration_seconds',
    type: 'histogram',
    labels: ['resource'],
    help: 'Time from the header of a request to the end of its response; streams count when they end'
  },
  preparations: {
    name: 'postern_preparation_duration_seconds',
    type: 'histogram',
    labels: ['resource'],
    help: 'Time from the header of a request until it is sent to the upstream: the gateway\'s own share, ' +
      'with its waits for the rest of the request and for the authorization server'
  },
  upstreamDurations: {
    name: 'postern_upstream_duration_seconds',
    type: 'histogram',
    labels: ['resource'],
    help: 'Time from then until the header of the upstream\'s response, or its failure; listening streams ' +
      'are left out'
  },
  upstreamFailures: {
    name: 'postern_upstream_failures_total',
    type: 'counter',
    labels: ['resource', 'kind'],
    help: 'Requests that the upstream failed. kind: unreachable, timeout, broken, redirect or refused'
  },
  decisions: {
    name: 'postern_decisions_total',
    type: 'counter',
    labels: ['resource', 'rule', 'decision'],
    help: 'Decisions of the policy. rule: as the configuration spells it. decision: allow, ' +
      'insufficient_scope, forbidden or unlisted'
  },
  connections: {
    name: 'postern_client_connections',
    type: 'gauge',
    labels: [],
    help: 'Open connections of clients'
  },
  streams: {
    name: 'postern_open_streams',
    type: 'gauge',
    labels: [],
    help: 'Responses under way that are event streams'
  },
  keyAges: {
    name: 'postern_key_age_seconds',
    type: 'gauge',
    labels: ['issuer'],
    help: 'Time since the keys in use were fetched; absent when there are none'
  },
  reloads: {
    name: 'postern_config_reloads_total',
    type: 'counter',
    labels: ['outcome'],
    help: 'Changed configurations. outcome: ok or failed'
  },
  lastReloadSuccessful: {
    name: 'postern_config_last_reload_successful',
    type: 'gauge',
    labels: [],
    help: '1 unless the last changed configuration could not be used'
  },
  configurationSince: {
    name: 'postern_config_last_reload_success_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the configuration in use was put in use'
  },
  lostLines: {
    name: 'postern_log_lines_lost_total',
    type: 'counter',
    labels: [],
    help: 'Lines of the log that were lost because standard output took no more'
  },
  build: {
    name: 'postern_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    help: '1; the labels say which versions of Postern and Node run'
  }
} as const satisfies Record<string, MetricKind>
