import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What is counted, for Prometheus. */
export interface Metrics {
  readonly registry: Registry
  readonly requests: Counter<'route' | 'status'>
  readonly duration: Histogram<'route'>
  readonly limited: Counter
  readonly offersPublished: Counter
  readonly offersRejected: Counter<'code'>
  readonly relayEvents: Counter<'type' | 'code'>
  /** Read when Prometheus asks. */
  readonly gauge: (name: string, help: string, read: () => number) => void
}

/** A registry of its own, so that two gateways in one process do not share counts. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'millrace_' })
  const registers = [registry]
  return {
    registry,
    requests: new Counter({
      name: 'millrace_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'millrace_http_request_seconds',
      help: 'Time to answer, by route',
      labelNames: ['route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    limited: new Counter({
      name: 'millrace_http_rate_limited_total',
      help: 'Requests refused because their client asked too often',
      registers,
    }),
    offersPublished: new Counter({
      name: 'millrace_offers_published_total',
      help: 'Offers accepted',
      registers,
    }),
    offersRejected: new Counter({
      name: 'millrace_offers_rejected_total',
      help: 'Offers rejected, by code',
      labelNames: ['code'],
      registers,
    }),
    relayEvents: new Counter({
      name: 'millrace_relay_events_total',
      help: 'What happened at the relay, with the close code',
      labelNames: ['type', 'code'],
      registers,
    }),
    gauge(name, help, read) {
      new Gauge({
        name: `millrace_${name}`,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    },
  }
}
