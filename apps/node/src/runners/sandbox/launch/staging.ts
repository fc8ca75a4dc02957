import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { JobPaths } from '../job/jobFolder.ts'
import type { JobPlan } from '../job/jobPlan.ts'
import { JOB_NAME, JOB_UID } from './bwrapArguments.ts'
import { networkRules, resolverConfiguration } from './publicNetwork.ts'

/**
 * Where the supervisor builds what the sandbox is bound from. It lies in the supervisor's own mount namespace, so that
 * nobody else sees it, and all of it goes when the supervisor ends, however it ends.
 */
export interface Staging {
  readonly root: string
  /** The job's disk: `job` and `tmp`. */
  readonly disk: string
  readonly etc: string
  readonly scripts: string
  /** What `ip -batch` reads in the network namespace of a job with a network. */
  readonly networkRules: string
  /** The `node` binary, where it is not below /usr. */
  readonly node: string | null
}

/** Folders that may be covered with a private mount: empty on most machines and needed by no supervisor. */
const CANDIDATES = ['/media', '/mnt', '/srv', '/run', '/opt', '/home']

/** ext4's inode size, and what it keeps for its own tables: a share of the disk and a little more. */
const INODE_BYTES = 256
const TABLES_SHARE = 0.03
const TABLES_BYTES = 1024 * 1024
const MINIMUM_INODES = 64

/**
 * Build the staging area: a small private file system with the job's disk, its `/etc` and its scripts.
 * Must run in a mount namespace of its own. Throws the failing command's error.
 */
export function buildStaging(plan: JobPlan, paths: JobPaths): Staging {
  const kept = [paths.folder, plan.tools.node, plan.tools.bwrap, process.argv[1] ?? '/', process.cwd()]
  const root = CANDIDATES.find(
    (candidate) => existsSync(candidate) && !kept.some((path) => `${path}/`.startsWith(`${candidate}/`)),
  )
  if (root === undefined) throw new RangeError(`None of ${CANDIDATES.join(', ')} can hold a private mount`)
  run('mount', ['-t', 'tmpfs', '-o', 'mode=0755,size=4m,nosuid,nodev', 'millrace', root])
  const staging = {
    root,
    disk: join(root, 'disk'),
    etc: join(root, 'etc'),
    scripts: join(root, 'scripts'),
    networkRules: join(root, 'network.rules'),
    node: plan.tools.node.startsWith('/usr/') ? null : join(root, 'node'),
  }
  for (const folder of [staging.disk, staging.etc, staging.scripts]) mkdirSync(folder, { mode: 0o755 })
  if (staging.node !== null) {
    writeFileSync(staging.node, '')
    run('mount', ['--bind', plan.tools.node, staging.node])
  }
  writeEtc(staging.etc, plan)
  if (plan.task.limits.network === 'public') {
    writeFileSync(staging.networkRules, networkRules())
    openTun(root, plan)
  }
  mountDisk(plan, paths, staging.disk)
  for (const [folder, mode] of [
    ['job', 0o755],
    ['tmp', 0o700],
  ] as const) {
    const path = join(staging.disk, folder)
    mkdirSync(path)
    chmodSync(path, mode)
    if (plan.uid !== null) chownSync(path, plan.uid, plan.uid)
  }
  return staging
}

/** Take the job's disk away. The image, if any, is the caller's to delete. */
export function unmountDisk(staging: Staging): void {
  run('umount', [staging.disk])
}

/** Write a script that the job can read and not change. */
export function writeScript(staging: Staging, name: string, script: string): string {
  const path = join(staging.scripts, name)
  writeFileSync(path, script)
  chmodSync(path, 0o444)
  return path
}

/**
 * Let the job's uid open the tunnel device, as everybody may on machines with udev. Only this mount namespace sees the
 * change, and a tunnel can be made only in a network namespace that one owns.
 */
function openTun(root: string, plan: JobPlan): void {
  if (plan.uid === null || (statSync(TUN).mode & 0o006) === 0o006) return
  const folder = join(root, 'dev')
  mkdirSync(folder)
  run('mount', ['-t', 'tmpfs', '-o', 'mode=0755,size=64k,nosuid,noexec', 'dev', folder])
  run('mknod', ['-m', '0666', join(folder, 'tun'), 'c', '10', '200'])
  run('mount', ['--bind', join(folder, 'tun'), TUN])
}

const TUN = '/dev/net/tun'

function mountDisk(plan: JobPlan, paths: JobPaths, at: string): void {
  const { diskBytes, inodes } = plan.task.limits
  // The work folder, /tmp and the file system's own first entries.
  const inodeCount = Math.max(MINIMUM_INODES, inodes + 64)
  if (plan.disk === 'tmpfs') {
    // It is memory: never more than half of the machine's, whatever was leased.
    run('mount', [
      '-t',
      'tmpfs',
      '-o',
      `mode=0711,size=${Math.min(diskBytes, Math.floor(totalmem() / 2))},nr_inodes=${inodeCount},nosuid,nodev`,
      'job',
      at,
    ])
    return
  }
  const size = Math.ceil(diskBytes * (1 + TABLES_SHARE)) + inodeCount * INODE_BYTES + TABLES_BYTES
  // Sparse: it takes from the host what the job writes. The supervisor ends the job before the host itself is full.
  writeFileSync(paths.image, '', { mode: 0o600 })
  truncateSync(paths.image, size)
  // No journal and no reserve: nobody needs this file system after the job.
  run('mkfs.ext4', [
    '-q',
    '-F',
    '-m',
    '0',
    '-I',
    String(INODE_BYTES),
    '-N',
    String(inodeCount),
    '-O',
    '^has_journal,^resize_inode',
    '-E',
    'nodiscard,lazy_itable_init=1,root_owner=0:0',
    paths.image,
  ])
  run('mount', ['-t', 'ext4', '-o', 'loop,nosuid,nodev,noatime', paths.image, at])
  chmodSync(at, 0o711)
}

/** The few files of /etc that programs look for, made up: nothing of the host's users or network is told. */
function writeEtc(etc: string, plan: JobPlan): void {
  const files: Record<string, string> = {
    passwd: `root:x:0:0:root:/:/usr/sbin/nologin\n${JOB_NAME}:x:${JOB_UID}:${JOB_UID}:${JOB_NAME}:/job:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`,
    group: `root:x:0:\n${JOB_NAME}:x:${JOB_UID}:\nnogroup:x:65534:\n`,
    hosts: `127.0.0.1 localhost ${JOB_NAME}\n::1 localhost\n`,
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    hostname: `${JOB_NAME}\n`,
  }
  if (plan.task.limits.network === 'public') files['resolv.conf'] = resolverConfiguration()
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(etc, name), content)
    chmodSync(join(etc, name), 0o444)
  }
  if (existsSync('/etc/ld.so.cache')) {
    copyFileSync('/etc/ld.so.cache', join(etc, 'ld.so.cache'))
    chmodSync(join(etc, 'ld.so.cache'), 0o444)
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: SYSTEM_PATH } })
}

/** mkfs and mount live in sbin, which is not on everybody's path. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
