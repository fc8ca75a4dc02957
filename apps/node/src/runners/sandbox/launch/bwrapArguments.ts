import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { JobPlan } from '../job/jobPlan.ts'
import { prlimitOptions, type ResourceLimits } from './resourceLimits.ts'
import type { Staging } from './staging.ts'

/** What a job believes to be, whatever it is on the host. */
export const JOB_UID = 1000
export const JOB_NAME = 'job'

/** Where the job finds a `node` that is installed outside /usr. */
const NODE_FOLDER = '/opt/node/bin'
const SCRIPT_FOLDER = '/run/millrace'

/** Read-only, if the host has them: what the dynamic loader, `update-alternatives` and clocks need. */
const ETC_FROM_HOST = ['/etc/alternatives', '/etc/localtime']
/** Only with a network: the host's trusted certificates. */
const ETC_FOR_NETWORK = ['/etc/ssl/certs', '/etc/pki/tls/certs', '/etc/ca-certificates']
/** What GPU libraries read to find their devices. */
const SYS_FOR_GPUS = [
  '/sys/bus/pci',
  '/sys/devices/pci0000:00',
  '/sys/devices/system/cpu',
  '/sys/devices/system/node',
]

/**
 * Options of `bwrap` for one script of a job. They are passed through a descriptor, not the command line, where other
 * users of the host could read the job's environment.
 */
export function bwrapArguments(plan: JobPlan, staging: Staging): string[] {
  const { limits } = plan.task
  const network = limits.network === 'public'
  return [
    ...['user', 'ipc', 'pid', 'uts', 'cgroup'].map((namespace) => `--unshare-${namespace}`),
    // With a network the launcher has made the namespace already, walled and connected.
    ...(network ? [] : ['--unshare-net']),
    // No user namespace can be made inside, whatever becomes of the seccomp filter.
    '--disable-userns',
    ...['--uid', String(JOB_UID), '--gid', String(JOB_UID), '--hostname', JOB_NAME],
    // The supervisor's death is the sandbox's death.
    '--die-with-parent',
    // Away from the supervisor's terminal: no TIOCSTI, no job control.
    '--new-session',
    ...['--cap-drop', 'ALL'],
    '--clearenv',
    ...Object.entries(environmentOf(plan, staging)).flatMap(([name, value]) => ['--setenv', name, value]),

    ...['--ro-bind', '/usr', '/usr'],
    ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap(systemFolder),
    ...['passwd', 'group', 'hosts', 'nsswitch.conf', 'hostname', 'resolv.conf', 'ld.so.cache'].flatMap(
      (file) => readOnly(join(staging.etc, file), `/etc/${file}`),
    ),
    ...ETC_FROM_HOST.flatMap((path) => readOnly(path, path)),
    ...(network ? ETC_FOR_NETWORK.flatMap((path) => readOnly(path, path)) : []),
    ...(staging.node === null ? [] : ['--ro-bind', staging.node, `${NODE_FOLDER}/node`]),
    ...['--ro-bind', staging.scripts, SCRIPT_FOLDER],
    ...['--proc', '/proc'],
    ...['--dev', '/dev'],
    ...plan.gpuDevices.flatMap((device) => ['--dev-bind', device, device]),
    ...(plan.gpuDevices.length > 0 ? SYS_FOR_GPUS.flatMap((path) => readOnly(path, path)) : []),
    ...['--size', String(Math.max(1 << 20, Math.floor(limits.memoryBytes / 2))), '--tmpfs', '/dev/shm'],
    // The file systems that bwrap makes are writable and unlimited: close them once everything is in place.
    ...['--remount-ro', '/dev'],
    ...['--bind', join(staging.disk, 'job'), '/job'],
    ...['--bind', join(staging.disk, 'tmp'), '/tmp'],
    ...['--chdir', '/job'],
    ...['--remount-ro', '/'],
  ]
}

/**
 * What runs inside: the script, below limits that are set there, where only the job's own processes are counted.
 */
export function sandboxCommand(plan: JobPlan, script: string): string[] {
  const { limits } = plan.task
  // Without a control group these two are what holds, together with the watching supervisor.
  const alone = plan.cgroup.version === 'none'
  const rlimits: ResourceLimits = {
    // Not 0: a pipe to a core handler ignores 0, and 1 is what makes the kernel skip it.
    core: 1,
    memlock: 8 << 20,
    msgqueue: 819_200,
    nice: 0,
    nofile: 65_536,
    rtprio: 0,
    sigpending: 4096,
    ...(alone && !plan.without.includes('process-limit')
      ? { nproc: limits.processes + SANDBOX_PROCESSES }
      : {}),
    ...(alone && !plan.without.includes('memory-limit') ? { data: limits.memoryBytes } : {}),
  }
  return ['/usr/bin/prlimit', ...prlimitOptions(rlimits), '--', '/bin/sh', '-e', `${SCRIPT_FOLDER}/${script}`]
}

/** bwrap itself, outside and as the first process inside. */
export const SANDBOX_PROCESSES = 2
/** slirp4netns and the helper it starts. */
export const NETWORK_PROCESSES = 2

function environmentOf(plan: JobPlan, staging: Staging): Record<string, string> {
  const system = '/usr/local/bin:/usr/bin:/bin'
  const nodeFolder = staging.node === null ? dirname(plan.tools.node) : NODE_FOLDER
  return {
    PATH: system.split(':').includes(nodeFolder) ? system : `${nodeFolder}:${system}`,
    HOME: '/job',
    USER: JOB_NAME,
    LOGNAME: JOB_NAME,
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    ...plan.task.envs,
  }
}

/** On most systems these are links into /usr; elsewhere folders of their own. */
function systemFolder(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

function readOnly(source: string, path: string): string[] {
  return existsSync(source) ? ['--ro-bind', source, path] : []
}
