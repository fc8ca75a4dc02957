import { assemble, type Instruction } from './assemble.ts'
import { type SyscallName, syscalls } from './syscalls.ts'

export type SeccompArchitecture = 'x64' | 'arm64'

/** Offsets in `struct seccomp_data`: nr, arch, instruction_pointer, args[6]; low words first. */
const OFFSET_NUMBER = 0
const OFFSET_ARCHITECTURE = 4
const offsetOfArgument = (index: number) => 16 + 8 * index

const RETURN_ALLOW = 0x7fff0000
const RETURN_KILL_PROCESS = 0x80000000
const RETURN_ERRNO = 0x00050000
const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
/** Calls of the x32 ABI share x86-64's architecture value and carry this bit. */
const X32_BIT = 0x40000000

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const CLONE_NAMESPACES = 0x7e020000
/** Terminal calls that type into or take over somebody else's terminal: TIOCSTI, TIOCLINUX, TIOCCONS. */
const REFUSED_IOCTLS = [0x5412, 0x541c, 0x541d]
/** Linux, its ADDR_NO_RANDOMIZE and UNAME26 variants, and the query. */
const ALLOWED_PERSONALITIES = [0x0, 0x00040000, 0x00020000, 0x00020008, 0x8, 0xffffffff]
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const FILE_TYPE_MASK = 0o170000
const CHARACTER_DEVICE = 0o020000
const BLOCK_DEVICE = 0o060000

type Action = 'allow' | 'refuse' | 'unknown' | `rule:${RuleName}`
type RuleName = keyof typeof rules

const equal = (value: number, otherwise: string): Instruction => ({
  op: 'unless',
  test: 'equal',
  value,
  otherwise,
})
const goTo = (to: string): Instruction => ({ op: 'jump', to })
const at = (name: string): Instruction => ({ op: 'label', name })
const argument = (index: number): Instruction => ({ op: 'load', offset: offsetOfArgument(index) })

/** Jump to `to` if the loaded value is one of `values`, else fall through. */
function whenOneOf(prefix: string, values: readonly number[], to: string): Instruction[] {
  return values.flatMap((value, index) => [
    equal(value, `${prefix}.${index}`),
    goTo(to),
    at(`${prefix}.${index}`),
  ])
}

/**
 * Calls allowed for some arguments. Only low words are compared: the kernel reads these arguments as 32-bit values, and a
 * filter that looked at the high word too could be passed by setting it.
 */
const rules = {
  // New processes and threads, but no new namespaces.
  clone: [
    argument(0),
    { op: 'unless', test: 'anyBit', value: CLONE_NAMESPACES, otherwise: 'allow' },
    goTo('refuse'),
  ],
  ioctl: [argument(1), ...whenOneOf('ioctl', REFUSED_IOCTLS, 'refuse'), goTo('allow')],
  personality: [argument(0), ...whenOneOf('personality', ALLOWED_PERSONALITIES, 'allow'), goTo('refuse')],
  // No packet, vsock, crypto or Bluetooth sockets; netlink only to list interfaces and routes.
  socket: [
    argument(0),
    ...whenOneOf('socket', [AF_UNIX, AF_INET, AF_INET6], 'allow'),
    equal(AF_NETLINK, 'unsupported'),
    argument(2),
    equal(NETLINK_ROUTE, 'unsupported'),
    goTo('allow'),
  ],
  socketpair: [argument(0), equal(AF_UNIX, 'unsupported'), goTo('allow')],
  // Pipes and plain files, no devices.
  mknod: [
    argument(1),
    { op: 'and', mask: FILE_TYPE_MASK },
    ...whenOneOf('mknod', [CHARACTER_DEVICE, BLOCK_DEVICE], 'refuse'),
    goTo('allow'),
  ],
  mknodat: [
    argument(2),
    { op: 'and', mask: FILE_TYPE_MASK },
    ...whenOneOf('mknodat', [CHARACTER_DEVICE, BLOCK_DEVICE], 'refuse'),
    goTo('allow'),
  ],
} as const satisfies Readonly<Record<string, readonly Instruction[]>>

/**
 * The seccomp filter of a job: default deny. What the table allows runs; known but unlisted calls give EPERM; `clone3`,
 * whose flags a filter cannot see, and calls newer than the table give ENOSYS, so that libraries fall back;
 * another architecture's calls (i386, x32) kill the process.
 * Returns the program as the array of `struct sock_filter` that `bwrap --seccomp` reads.
 */
export function compileSeccompPolicy(architecture: SeccompArchitecture): Buffer {
  const actions = actionsByNumber(architecture)
  const ranges = coalesce(actions)
  return assemble([
    { op: 'load', offset: OFFSET_ARCHITECTURE },
    equal(AUDIT_ARCH[architecture], 'kill'),
    { op: 'load', offset: OFFSET_NUMBER },
    ...(architecture === 'x64'
      ? ([
          { op: 'unless', test: 'atLeast', value: X32_BIT, otherwise: 'search' },
          goTo('kill'),
          at('search'),
        ] as const)
      : []),
    ...searchTree(ranges, 'tree'),
    ...Object.entries(rules).flatMap(([name, body]) => [at(`rule:${name}`), ...body]),
    at('allow'),
    { op: 'return', value: RETURN_ALLOW },
    at('refuse'),
    { op: 'return', value: RETURN_ERRNO | EPERM },
    at('unknown'),
    { op: 'return', value: RETURN_ERRNO | ENOSYS },
    at('unsupported'),
    { op: 'return', value: RETURN_ERRNO | EAFNOSUPPORT },
    at('kill'),
    { op: 'return', value: RETURN_KILL_PROCESS },
  ])
}

function actionsByNumber(architecture: SeccompArchitecture): Map<number, Action> {
  const column = architecture === 'x64' ? 0 : 1
  const actions = new Map<number, Action>()
  for (const name of Object.keys(syscalls) as SyscallName[]) {
    const number = syscalls[name][column]
    if (number !== null) actions.set(number, actionOf(name))
  }
  return actions
}

function actionOf(name: SyscallName): Action {
  if (name === 'clone3') return 'unknown'
  return name in rules ? `rule:${name as RuleName}` : 'allow'
}

interface Range {
  readonly from: number
  readonly action: Action
}

/** Turn single numbers into ranges that each end where the next begins. */
function coalesce(actions: ReadonlyMap<number, Action>): Range[] {
  const highest = Math.max(...actions.keys())
  const ranges: { from: number; action: Action }[] = []
  for (let number = 0; number <= highest + 1; number++) {
    const action = number > highest ? 'unknown' : (actions.get(number) ?? 'refuse')
    if (ranges.at(-1)?.action !== action) ranges.push({ from: number, action })
  }
  return ranges
}

/** A balanced search: about nine comparisons whatever the call. */
function searchTree(ranges: readonly Range[], label: string): Instruction[] {
  const [only, ...more] = ranges
  if (only === undefined) return []
  if (more.length === 0) return [goTo(only.action)]
  const middle = ranges.length >> 1
  const upper = ranges.slice(middle)
  const boundary = upper[0]?.from ?? 0
  return [
    { op: 'unless', test: 'atLeast', value: boundary, otherwise: `${label}l` },
    ...searchTree(upper, `${label}h`),
    at(`${label}l`),
    ...searchTree(ranges.slice(0, middle), `${label}l`),
  ]
}
