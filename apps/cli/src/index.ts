/** What other programs of this repository may use of the command: bring up a local network, run a job. */
export { type DownResult, down } from './network/down.ts'
export { type NetworkStatus, networkStatus, type ServiceStatus } from './network/status.ts'
export type { ServiceEvent, ServiceName } from './network/superviseService.ts'
export { type LocalNetwork, type UpOptions, up } from './network/up.ts'
