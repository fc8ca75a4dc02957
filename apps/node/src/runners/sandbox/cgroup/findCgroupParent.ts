import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CGROUP_V1_CONTROLLERS, type CgroupPlacement, type CgroupV1Controller } from './cgroupPlacement.ts'

/** Below what a runner makes its jobs' groups. */
export type CgroupParent = CgroupPlacement

/** What of the machine is looked at; tests give a copy of the layout. */
export interface CgroupSources {
  /** `/proc/self/mountinfo` */
  readonly mountinfo: string
  /** `/proc/self/cgroup` */
  readonly ownGroups: string
}

const FOLDER = 'millrace'

/**
 * Find where this process may make control groups with CPU, memory and process limits: v2 where it carries all three
 * controllers, else v1, else `none`. Makes the folder `millrace` there.
 */
export function findCgroupParent(sources: CgroupSources = readSources()): CgroupParent {
  return findV2(sources) ?? findV1(sources) ?? { version: 'none' }
}

/** The group of one job below the parent. */
export function placeJob(parent: CgroupParent, name: string): CgroupPlacement {
  switch (parent.version) {
    case 'v1':
      return {
        version: 'v1',
        directories: mapControllers((controller) => join(parent.directories[controller], name)),
      }
    case 'v2':
      return { version: 'v2', directory: join(parent.directory, name) }
    case 'none':
      return parent
    default:
      return parent satisfies never
  }
}

/** Names of the groups below the parent that begin with `prefix`. */
export function listJobGroups(parent: CgroupParent, prefix: string): string[] {
  const roots =
    parent.version === 'v1'
      ? Object.values(parent.directories)
      : parent.version === 'v2'
        ? [parent.directory]
        : []
  return [...new Set(roots.flatMap((root) => readdirSync(root).filter((name) => name.startsWith(prefix))))]
}

function readSources(): CgroupSources {
  return {
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    ownGroups: readFileSync('/proc/self/cgroup', 'utf8'),
  }
}

function findV2(sources: CgroupSources): CgroupParent | null {
  const [mount] = cgroupMounts(sources, 'cgroup2')
  if (mount === undefined) return null
  const own = sources.ownGroups.match(/^0::(\/.*)$/m)?.[1] ?? '/'
  // The root first: jobs belong to the machine and outlive the service or shell that started the node. An ordinary user
  // has only what was delegated, and a group with processes in it cannot have limited children, so its parent is tried too.
  for (const base of [mount.path, join(mount.path, dirname(own)), join(mount.path, own)]) {
    const directory = join(base, FOLDER)
    try {
      writeFileSync(join(base, 'cgroup.subtree_control'), '+cpu +memory +pids')
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      writeFileSync(join(directory, 'cgroup.subtree_control'), '+cpu +memory +pids')
      const enabled = readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8')
      if (['cpu', 'memory', 'pids'].every((controller) => enabled.includes(controller)))
        return { version: 'v2', directory }
    } catch {
      // Not ours to write; the next place may be.
    }
  }
  return null
}

function findV1(sources: CgroupSources): CgroupParent | null {
  const mounts = cgroupMounts(sources, 'cgroup')
  const paths = new Map<CgroupV1Controller, string>()
  for (const controller of CGROUP_V1_CONTROLLERS) {
    const mount = mounts.find(({ options }) => options.includes(controller))
    if (mount === undefined) return null
    paths.set(controller, mount.path)
  }
  try {
    const directories = mapControllers((controller) => join(paths.get(controller) ?? '', FOLDER))
    for (const directory of new Set(Object.values(directories))) {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      // Writable for good? A folder left by root answers EEXIST to everybody.
      const trial = join(directory, `probe-${process.pid}`)
      mkdirSync(trial)
      rmdirSync(trial)
    }
    return { version: 'v1', directories }
  } catch {
    return null
  }
}

interface CgroupMount {
  readonly path: string
  readonly options: readonly string[]
}

/** Lines of mountinfo: `… root path options [tags] - type source superOptions`. */
function cgroupMounts(sources: CgroupSources, type: 'cgroup' | 'cgroup2'): CgroupMount[] {
  return sources.mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [seenType, , superOptions = ''] = right.split(' ')
    const path = left.split(' ')[4]
    return seenType === type && path !== undefined
      ? [{ path: unescapeMountPath(path), options: superOptions.split(',') }]
      : []
  })
}

function unescapeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

function mapControllers(of: (controller: CgroupV1Controller) => string): Record<CgroupV1Controller, string> {
  return { cpu: of('cpu'), cpuacct: of('cpuacct'), memory: of('memory'), pids: of('pids') }
}
