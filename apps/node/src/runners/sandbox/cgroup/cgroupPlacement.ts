/** Where a job's control group is. `none`: the node may not make any here. */
export type CgroupPlacement =
  | {
      readonly version: 'v1'
      /** One folder a controller; they coincide where controllers are mounted together. */
      readonly directories: Readonly<Record<CgroupV1Controller, string>>
    }
  | { readonly version: 'v2'; readonly directory: string }
  | { readonly version: 'none' }

export const CGROUP_V1_CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids'] as const
export type CgroupV1Controller = (typeof CGROUP_V1_CONTROLLERS)[number]
