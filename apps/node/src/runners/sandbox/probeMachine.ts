import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { RunnerFeatures } from '../runner.ts'
import { type CgroupParent, findCgroupParent } from './cgroup/findCgroupParent.ts'
import type { SandboxTools } from './job/jobPlan.ts'
import { SYSTEM_PATH } from './launch/staging.ts'
import type { SandboxRestrictions } from './sandboxRunner.ts'

/** What this machine can do for jobs. */
export type MachineFacts =
  | {
      readonly available: true
      readonly features: RunnerFeatures
      readonly tools: SandboxTools
      readonly cgroupParent: CgroupParent
      /** Why there is no `public` network, if there is none. */
      readonly networkMissing: { readonly reason: string; readonly remedy: string }
    }
  | { readonly available: false; readonly reason: string; readonly remedy: string }

const run = promisify(execFile)
const INSTALL = 'Install it with the system packages, e.g. `sudo apt-get install'

/** Look at the machine by trying things, not by reading version numbers. Never throws. */
export async function probeMachine(restrict: SandboxRestrictions): Promise<MachineFacts> {
  if (process.platform !== 'linux')
    return {
      available: false,
      reason: `The sandbox needs Linux, not "${process.platform}".`,
      remedy: 'Run the node on Linux, for example in a virtual machine.',
    }
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return {
      available: false,
      reason: `The sandbox has no system call filter for "${process.arch}".`,
      remedy: 'Run the node on x64 or arm64.',
    }
  const bwrap = findTool('bwrap')
  if (bwrap === null)
    return {
      available: false,
      reason: 'bubblewrap (`bwrap`) is not installed.',
      remedy: `${INSTALL} bubblewrap\`.`,
    }
  for (const tool of ['unshare', 'setpriv', 'prlimit', 'mount', 'umount', 'mkfifo'])
    if (findTool(tool) === null)
      return {
        available: false,
        reason: `"${tool}" is not installed.`,
        remedy: `${INSTALL} util-linux coreutils\`.`,
      }

  const isRoot = process.getuid?.() === 0
  const failure = await trySandbox(bwrap, isRoot)
  if (failure !== null) return { available: false, ...failure }
  const cgroupParent: CgroupParent = restrict.cgroup === 'none' ? { version: 'none' } : findCgroupParent()
  const loop = restrict.diskQuota === undefined && isRoot && (await tryLoop())
  // The wall around a job's network is built with `ip`.
  const slirp4netns = findTool('ip') !== null && mayOpenTun(isRoot) ? findTool('slirp4netns') : null
  return {
    available: true,
    features: {
      cgroup: cgroupParent.version,
      seccomp: true,
      diskQuota: loop ? 'loop' : 'tmpfs',
      network: slirp4netns === null ? 'none' : 'public',
      identity: isRoot ? 'dedicated-uid' : 'node-user',
    },
    tools: { bwrap, node: process.execPath, slirp4netns, slirpFlags: await slirpFlags(slirp4netns) },
    cgroupParent,
    networkMissing: mayOpenTun(isRoot)
      ? {
          reason: 'slirp4netns and `ip`, which keep a job away from private networks, are not both installed',
          remedy: `${INSTALL} slirp4netns iproute2\`, or offer without network.`,
        }
      : {
          reason: 'this user may not open /dev/net/tun',
          remedy: 'Run `sudo chmod 0666 /dev/net/tun`, or offer without network.',
        },
  }
}

/** The same namespaces as a job's, around `true`; what went wrong and what to do, or `null`. */
async function trySandbox(
  bwrap: string,
  isRoot: boolean,
): Promise<{ reason: string; remedy: string } | null> {
  const inside = [
    ...[
      bwrap,
      '--unshare-user',
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-net',
      '--unshare-uts',
      '--unshare-cgroup',
    ],
    ...[
      '--disable-userns',
      '--uid',
      '1000',
      '--gid',
      '1000',
      '--cap-drop',
      'ALL',
      '--die-with-parent',
      '--new-session',
    ],
    ...[
      '--ro-bind',
      '/',
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--size',
      '65536',
      '--tmpfs',
      '/dev/shm',
      'true',
    ],
  ]
  const user = isRoot
    ? ['setpriv', '--reuid', '1879048192', '--regid', '1879048192', '--clear-groups', '--']
    : []
  const namespaces = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount']
  try {
    await run('unshare', [...namespaces, '--propagation', 'private', '--', ...user, ...inside], {
      env: { PATH: SYSTEM_PATH },
    })
    return null
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim()
    if (/unknown option/i.test(said))
      return { reason: `bubblewrap is too old: ${said}`, remedy: 'Install bubblewrap 0.8 or newer.' }
    if (existsSync('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'))
      return {
        reason: `The kernel refuses user namespaces: ${said}`,
        remedy: 'Run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`.',
      }
    return {
      reason: `The kernel refuses the sandbox's namespaces: ${said}`,
      remedy:
        'Allow user namespaces (`sudo sysctl -w user.max_user_namespaces=65536 kernel.unprivileged_userns_clone=1`); in a container, run the node outside of it.',
    }
  }
}

/** Can an ext4 image be made and mounted? Tried in a mount namespace that is gone afterwards. */
async function tryLoop(): Promise<boolean> {
  if (findTool('mkfs.ext4') === null) return false
  const folder = await mkdtemp(join(tmpdir(), 'millrace-probe-'))
  try {
    const image = join(folder, 'image')
    await writeFile(image, '')
    const script =
      'truncate -s 4194304 "$1" && mkfs.ext4 -q -F "$1" && mount -o loop "$1" "$2" && umount "$2"'
    await run(
      'unshare',
      ['--mount', '--propagation', 'private', '--', 'sh', '-c', script, 'sh', image, folder],
      {
        env: { PATH: SYSTEM_PATH },
      },
    )
    return true
  } catch {
    return false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The program parses packets that a job made, so it gives up what it does not need: files, capabilities, system calls. */
const SLIRP_FLAGS = ['--enable-sandbox', '--enable-seccomp']

/** Those of the flags that this slirp4netns knows. */
async function slirpFlags(slirp4netns: string | null): Promise<readonly string[]> {
  if (slirp4netns === null) return []
  try {
    const { stdout, stderr } = await run(slirp4netns, ['--help'], { env: { PATH: SYSTEM_PATH } })
    return SLIRP_FLAGS.filter((flag) => `${stdout}${stderr}`.includes(flag))
  } catch {
    return []
  }
}

/** Root makes itself a copy of the device where others may not open it. */
function mayOpenTun(isRoot: boolean): boolean {
  try {
    accessSync('/dev/net/tun', isRoot ? constants.F_OK : constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

function findTool(name: string): string | null {
  for (const folder of SYSTEM_PATH.split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return null
}
