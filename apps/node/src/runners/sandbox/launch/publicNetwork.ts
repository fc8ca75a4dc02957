import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { JobPlan } from '../job/jobPlan.ts'
import { SYSTEM_PATH } from './staging.ts'

/**
 * Ranges that are not the public internet: IANA's special-purpose IPv4 registry and multicast. slirp4netns answers inside
 * 10.0.2.0/24 itself, a route more specific than the first one here; it maps no address of that network to the host.
 */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/**
 * Commands for `ip -batch` in the job's network namespace: loopback, and a wall of unreachable routes that the job, without
 * any capability there, cannot take down. This machine's own addresses and networks are behind it too, public ones
 * included, and all of IPv6, which slirp4netns is not asked to carry.
 */
export function networkRules(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): string {
  const own = Object.values(interfaces).flatMap((addresses = []) =>
    addresses.flatMap(({ family, internal, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null ? [networkOf(cidr), `${cidr.split('/')[0]}/32`] : [],
    ),
  )
  return [
    'link set lo up',
    ...[...new Set([...NOT_PUBLIC, SLIRP_NAME_SERVER, ...own])].map(
      (range) => `route replace unreachable ${range}`,
    ),
    'route replace unreachable ::/0 metric 1',
    '',
  ].join('\n')
}

/**
 * slirp4netns' name server. Told not to serve names, it passes the address on to the host's real network; told to serve
 * them, it forwards every port to the host's name server.
 */
const SLIRP_NAME_SERVER = '10.0.2.3/32'

/** Asked where the host's own name servers are behind the wall. */
const NAME_SERVERS = ['1.1.1.1', '9.9.9.9']

/**
 * The job's /etc/resolv.conf: the host's name servers as far as they are public. slirp4netns could forward to the others,
 * but would do so for every port of theirs, and the host itself may be one of them.
 */
export function resolverConfiguration(hostConfiguration: string = readHostResolvers()): string {
  const walled = new BlockList()
  for (const range of NOT_PUBLIC) {
    const [network = '', bits] = range.split('/')
    walled.addSubnet(network, Number(bits))
  }
  walled.addSubnet('127.0.0.0', 8)
  const hosts = [...hostConfiguration.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)]
    .map(([, address = '']) => address)
    .filter((address) => !walled.check(address))
  return (hosts.length > 0 ? hosts : NAME_SERVERS).map((address) => `nameserver ${address}\n`).join('')
}

function readHostResolvers(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}

/** `192.0.2.77/24` lies in `192.0.2.0/24`. */
function networkOf(cidr: string): string {
  const [address = '', bits = '32'] = cidr.split('/')
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  const first = Math.floor(value / size) * size
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`
}

/**
 * Runs in the new network namespace, as its root: builds the wall, says so on descriptor 7, waits on 6 for the network
 * and becomes bwrap. `$1` is the file with the rules.
 */
export const NETWORK_LAUNCH = `
ip -batch "$1" || exit 125; shift
echo walled >&7; exec 7>&-
read go <&6 || exit 125
exec 6<&-
exec "$@"
`

/**
 * Give a walled network namespace its way out: slirp4netns in its own sandbox, as the job's own uid, in the job's control
 * groups, ending when this process does. Resolves when the network is up; throws what slirp4netns says if it does not come up.
 */
export async function connectNetwork(options: {
  readonly plan: JobPlan
  readonly slirp4netns: string
  readonly namespacesOf: number
  readonly joinFiles: readonly string[]
}): Promise<ChildProcess> {
  const { plan, namespacesOf } = options
  const uid =
    plan.uid === null ? [] : ['--reuid', String(plan.uid), '--regid', String(plan.uid), '--clear-groups']
  const script = `while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec setpriv "$@"`
  const child = spawn(
    '/bin/sh',
    [
      ...['-c', script, 'sh', ...options.joinFiles, '--'],
      ...[...uid, '--no-new-privs', '--pdeathsig', 'KILL', '--', options.slirp4netns],
      ...[
        '--configure',
        '--mtu=65520',
        '--disable-host-loopback',
        '--disable-dns',
        ...plan.tools.slirpFlags,
        '--ready-fd=3',
        '--exit-fd=4',
      ],
      // By process, not by path: only so does it enter the user namespace in which it may build its sandbox. That makes the
      // kernel forget the signal set above; the closed descriptor 4 ends it as well.
      ...[String(namespacesOf), 'tap0'],
    ],
    { cwd: '/', env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-1000)
  })
  child.stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-1000)
  })
  const ready = child.stdio[3]
  await new Promise<void>((resolve, reject) => {
    const failed = () => reject(new RangeError(`The public network did not come up: ${said.trim()}`))
    if (ready !== null && ready !== undefined && 'read' in ready) ready.once('data', () => resolve())
    child.once('error', failed)
    child.once('exit', failed)
  })
  return child
}
