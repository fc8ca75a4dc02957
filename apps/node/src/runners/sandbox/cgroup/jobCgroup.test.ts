import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findCgroupParent, listJobGroups, placeJob } from './findCgroupParent.ts'
import { jobCgroup } from './jobCgroup.ts'

/** A copy of the layout's files; the kernel's own behaviour is tested by the escape suite, where it is real. */
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-cgroup-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const v2Line = (path: string) => `30 25 0:26 / ${path} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate`
const v1Line = (path: string, controllers: string) =>
  `31 25 0:27 / ${path} rw,relatime - cgroup cgroup rw,${controllers}`
const read = (...parts: string[]) => readFileSync(join(root, ...parts), 'utf8')

describe('findCgroupParent', () => {
  it('default: v2 at the root of the hierarchy', () => {
    writeFileSync(join(root, 'cgroup.subtree_control'), '')
    const parent = findCgroupParent({ mountinfo: v2Line(root), ownGroups: '0::/user.slice/shell\n' })
    expect(parent).toEqual({ version: 'v2', directory: join(root, 'millrace') })
    expect(read('millrace', 'cgroup.subtree_control')).toBe('+cpu +memory +pids')
  })

  it('behavior: an ordinary user gets what is delegated beside its own group', () => {
    // A folder in the file's place cannot be written, even by root.
    mkdirSync(join(root, 'cgroup.subtree_control'))
    mkdirSync(join(root, 'user', 'app', 'shell'), { recursive: true })
    writeFileSync(join(root, 'user', 'app', 'cgroup.subtree_control'), '')
    const parent = findCgroupParent({ mountinfo: v2Line(root), ownGroups: '0::/user/app/shell\n' })
    expect(parent).toEqual({ version: 'v2', directory: join(root, 'user', 'app', 'millrace') })
  })

  it('behavior: v1 where v2 has no controllers, mounted together or apart', () => {
    for (const folder of ['unified', 'cpu,cpuacct', 'memory', 'pids']) mkdirSync(join(root, folder))
    mkdirSync(join(root, 'unified', 'cgroup.subtree_control'))
    const mountinfo = [
      v2Line(join(root, 'unified')),
      v1Line(join(root, 'cpu,cpuacct'), 'cpu,cpuacct'),
      v1Line(join(root, 'memory'), 'memory'),
      v1Line(join(root, 'pids'), 'pids'),
    ].join('\n')
    const parent = findCgroupParent({ mountinfo, ownGroups: '0::/\n' })
    expect(parent).toEqual({
      version: 'v1',
      directories: {
        cpu: join(root, 'cpu,cpuacct', 'millrace'),
        cpuacct: join(root, 'cpu,cpuacct', 'millrace'),
        memory: join(root, 'memory', 'millrace'),
        pids: join(root, 'pids', 'millrace'),
      },
    })
    mkdirSync(join(root, 'pids', 'millrace', 'abc-1'))
    expect(listJobGroups(parent, 'abc-')).toEqual(['abc-1'])
  })

  it('behavior: none where a controller is missing', () => {
    mkdirSync(join(root, 'memory'))
    const mountinfo = v1Line(join(root, 'memory'), 'memory')
    expect(findCgroupParent({ mountinfo, ownGroups: '' })).toEqual({ version: 'none' })
    expect(findCgroupParent({ mountinfo: '', ownGroups: '' })).toEqual({ version: 'none' })
  })
})

describe('jobCgroup v2', () => {
  const open = () => jobCgroup(placeJob({ version: 'v2', directory: root }, 'job'))
  const put = (file: string, content: string) => writeFileSync(join(root, 'job', file), content)

  it('default: limits are written, swap is off, the group dies as a whole', () => {
    mkdirSync(join(root, 'job'))
    for (const file of ['memory.swap.max', 'memory.oom.group']) put(file, 'max')
    open().create({ cpus: 1.5, memoryBytes: 1 << 30, processes: 64 })
    expect(read('job', 'cpu.max')).toBe('150000 100000')
    expect(read('job', 'memory.max')).toBe('1073741824')
    expect(read('job', 'pids.max')).toBe('64')
    expect(read('job', 'memory.swap.max')).toBe('0')
    expect(read('job', 'memory.oom.group')).toBe('1')
    expect(open().joinFiles).toEqual([join(root, 'job', 'cgroup.procs')])
  })

  it('behavior: files that the kernel does not have are not made', () => {
    open().create({ cpus: 1, memoryBytes: 1 << 20, processes: null })
    expect(() => read('job', 'memory.swap.max')).toThrow('ENOENT')
    expect(() => read('job', 'pids.max')).toThrow('ENOENT')
  })

  it('behavior: usage and events are read', () => {
    mkdirSync(join(root, 'job'))
    put('cpu.stat', 'usage_usec 2500000\nuser_usec 1\n')
    put('memory.current', '4096\n')
    put('memory.events', 'low 0\nmax 3\noom 1\noom_kill 2\n')
    put('pids.events', 'max 7\n')
    expect(open().usage()).toEqual({ cpuSeconds: 2.5, maxMemoryBytes: 4096 })
    expect(open().events()).toEqual({ memoryKills: 2, processRefusals: 7 })
    put('memory.peak', '8192\n')
    expect(open().usage().maxMemoryBytes).toBe(8192)
  })
})
