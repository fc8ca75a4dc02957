import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { JobCgroup } from '../cgroup/jobCgroup.ts'
import type { JobPlan } from '../job/jobPlan.ts'
import { compileSeccompPolicy } from '../seccomp/policy.ts'
import { bwrapArguments, sandboxCommand } from './bwrapArguments.ts'
import { connectNetwork, NETWORK_LAUNCH } from './publicNetwork.ts'
import { type Staging, SYSTEM_PATH } from './staging.ts'

/** One script running in its sandbox. */
export interface Sandbox {
  /** Host process id of bwrap, the parent of all inside. */
  readonly pid: number
  /** Host process id of the sandbox's own first process; `null` if it never came to be. */
  readonly firstPid: Promise<number | null>
  /** The script's exit code; `null` if the sandbox was killed or never ran it. Resolves when all output was handed on. */
  readonly ended: Promise<number | null>
}

/**
 * Joins the control groups, offers itself first to the host's out-of-memory killer, gives up root for the job's uid and
 * becomes bwrap: one process throughout, so that no moment is uncovered. `$1` is the uid or nothing, then the files to join.
 */
const LAUNCH = `
uid=$1; shift
while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift
echo 1000 > /proc/self/oom_score_adj
if [ -n "$uid" ]; then
  exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
fi
exec setpriv --no-new-privs -- "$@"
`

export interface LaunchOptions {
  readonly plan: JobPlan
  readonly staging: Staging
  readonly cgroup: JobCgroup
  /** Name of the script in the staging area. */
  readonly script: string
  /** Gets what the script writes, in order for each stream. */
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void
}

/** Start one script. */
export function launchSandbox(options: LaunchOptions): Sandbox {
  const { plan, staging } = options
  const stdout = openPipe(join(staging.root, 'stdout'), plan.uid)
  const stderr = openPipe(join(staging.root, 'stderr'), plan.uid)
  const args = openContent(join(staging.root, 'arguments'), `${bwrapArguments(plan, staging).join('\0')}\0`)
  const filter = plan.without.includes('seccomp')
    ? null
    : openContent(
        join(staging.root, 'filter'),
        compileSeccompPolicy(process.arch === 'arm64' ? 'arm64' : 'x64'),
      )

  const network = plan.task.limits.network === 'public' && plan.tools.slirp4netns !== null
  const bwrap = [
    ...[plan.tools.bwrap, '--json-status-fd', '3', '--args', '4'],
    ...(filter === null ? [] : ['--seccomp', '5']),
    ...['--', ...sandboxCommand(plan, options.script)],
  ]
  const child = spawn(
    '/bin/sh',
    [
      ...['-c', LAUNCH, 'sh', plan.uid === null ? '' : String(plan.uid), ...options.cgroup.joinFiles, '--'],
      ...(network
        ? [
            'unshare',
            '--user',
            '--map-root-user',
            '--net',
            '/bin/sh',
            '-c',
            NETWORK_LAUNCH,
            'sh',
            staging.networkRules,
          ]
        : []),
      ...bwrap,
    ],
    {
      cwd: '/',
      env: { PATH: SYSTEM_PATH },
      stdio: [
        ...(['ignore', stdout.writer, stderr.writer, 'pipe', args, filter ?? 'ignore'] as const),
        ...(network ? (['pipe', 'pipe'] as const) : []),
      ],
    },
  )
  for (const file of [stdout.writer, stderr.writer, args, filter]) if (file !== null) closeSync(file)
  const connected = network ? connectWhenWalled(child, options) : null

  const status = readStatus(child)
  const outputs = Promise.all([
    drain(stdout.reader, (bytes) => options.onOutput('stdout', bytes)),
    drain(stderr.reader, (bytes) => options.onOutput('stderr', bytes)),
  ])
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return {
    pid: child.pid ?? 0,
    firstPid: status.firstPid,
    ended: Promise.all([exited, outputs, status.done]).then(async () => {
      ;(await connected)?.kill('SIGKILL')
      return status.exitCode()
    }),
  }
}

/** The sandbox waits behind its wall until slirp4netns is there; without it, it is not let go on. */
async function connectWhenWalled(
  child: ChildProcess,
  { plan, cgroup, onOutput }: LaunchOptions,
): Promise<ChildProcess | null> {
  // Node's types know five descriptors.
  const streams: readonly unknown[] = child.stdio
  const [go, walled] = [streams[6], streams[7]]
  if (!(go instanceof Writable) || !(walled instanceof Readable) || plan.tools.slirp4netns === null)
    return null
  try {
    // Closed without a word, the wall could not be built; the script's own output says why.
    const [word] = await Promise.race([once(walled, 'data'), once(walled, 'close')])
    if (word === undefined) return null
    const connected = await connectNetwork({
      plan,
      slirp4netns: plan.tools.slirp4netns,
      namespacesOf: child.pid ?? 0,
      joinFiles: cgroup.joinFiles,
    })
    go.end('go\n')
    return connected
  } catch (error) {
    onOutput('stderr', Buffer.from(`${error instanceof Error ? error.message : String(error)}\n`))
    go.destroy()
    return null
  }
}

/**
 * A true pipe that the job may open again through /dev/stdout, which it could not with the socket that Node would make.
 * The job's uid owns it for that reason; its name is gone before the job starts.
 */
function openPipe(path: string, uid: number | null): { reader: Socket; writer: number } {
  execFileSync('mkfifo', ['-m', '0600', path], { env: { PATH: SYSTEM_PATH } })
  if (uid !== null) chownSync(path, uid, uid)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  rmSync(path)
  return { reader: new Socket({ fd: reader, readable: true, writable: false }), writer }
}

/** A descriptor at the start of some content that has no name any more. */
function openContent(path: string, content: string | Uint8Array): number {
  writeFileSync(path, content, { mode: 0o600 })
  const file = openSync(path, 'r')
  rmSync(path)
  return file
}

function drain(reader: Socket, onData: (bytes: Uint8Array) => void): Promise<void> {
  return new Promise((resolve) => {
    reader.on('data', onData)
    reader.on('error', () => {})
    reader.on('close', () => resolve())
  })
}

/** bwrap tells on descriptor 3, as JSON documents a line, the first process's id and at the end its exit code. */
function readStatus(child: ChildProcess) {
  const stream = child.stdio[3]
  let text = ''
  let exitCode: number | null = null
  let tellFirstPid: (pid: number | null) => void = () => {}
  const firstPid = new Promise<number | null>((resolve) => {
    tellFirstPid = resolve
  })
  const done = new Promise<void>((resolve) => {
    if (stream === null || stream === undefined || !('read' in stream)) return resolve()
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const document = JSON.parse(text.slice(0, end)) as { 'child-pid'?: number; 'exit-code'?: number }
        text = text.slice(end + 1)
        if (document['child-pid'] !== undefined) tellFirstPid(document['child-pid'])
        if (document['exit-code'] !== undefined) exitCode = document['exit-code']
      }
    })
    stream.on('error', () => {})
    stream.on('close', () => {
      tellFirstPid(null)
      resolve()
    })
  })
  return { firstPid, done, exitCode: () => exitCode }
}
