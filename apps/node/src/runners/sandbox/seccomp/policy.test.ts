import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assemble } from './assemble.ts'
import { compileSeccompPolicy, type SeccompArchitecture } from './policy.ts'
import { type SyscallName, syscalls } from './syscalls.ts'

const ALLOW = 0x7fff0000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const EAFNOSUPPORT = 0x00050061
const KILL = 0x80000000
const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const

interface Call {
  readonly nr: number
  readonly arch?: number
  readonly args?: readonly bigint[]
}

/** A second implementation: the kernel's interpreter for the instructions of classic BPF, from its documentation. */
function interpret(code: Buffer, { nr, arch = AUDIT.x64, args = [] }: Call): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(nr >>> 0, 0)
  data.writeUInt32LE(arch, 4)
  args.forEach((value, index) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index)
  })
  let accumulator = 0
  for (let at = 0; at < code.length / 8; at++) {
    const [opcode, jt, jf] = [
      code.readUInt16LE(at * 8),
      code.readUInt8(at * 8 + 2),
      code.readUInt8(at * 8 + 3),
    ]
    const k = code.readUInt32LE(at * 8 + 4)
    if (opcode === 0x20) accumulator = data.readUInt32LE(k)
    else if (opcode === 0x54) accumulator = (accumulator & k) >>> 0
    else if (opcode === 0x05) at += k
    else if (opcode === 0x15) at += accumulator === k ? jt : jf
    else if (opcode === 0x35) at += accumulator >= k ? jt : jf
    else if (opcode === 0x45) at += (accumulator & k) !== 0 ? jt : jf
    else if (opcode === 0x06) return k
    else throw new RangeError(`opcode ${opcode}`)
  }
  throw new RangeError('the program has no end')
}

const filters = { x64: compileSeccompPolicy('x64'), arm64: compileSeccompPolicy('arm64') }
const run = (architecture: SeccompArchitecture, name: SyscallName, ...args: bigint[]) => {
  const nr = syscalls[name][architecture === 'x64' ? 0 : 1]
  if (nr === null) throw new RangeError(`${name} is not on ${architecture}`)
  return interpret(filters[architecture], { nr, arch: AUDIT[architecture], args })
}
const RULED = ['clone', 'clone3', 'ioctl', 'personality', 'socket', 'socketpair', 'mknod', 'mknodat']

describe.each(['x64', 'arm64'] as const)('%s', (architecture) => {
  const column = architecture === 'x64' ? 0 : 1
  const allowed = new Map<number | null, string>(
    (Object.keys(syscalls) as SyscallName[]).map((name) => [syscalls[name][column], name]),
  )
  const highest = Math.max(...[...allowed.keys()].map((nr) => nr ?? 0))

  it('default: every number is answered as the table says', () => {
    for (let nr = 0; nr < 1024; nr++) {
      const name = allowed.get(nr)
      if (name !== undefined && RULED.includes(name)) continue
      const expected = name !== undefined ? ALLOW : nr > highest ? ENOSYS : EPERM
      expect(interpret(filters[architecture], { nr, arch: AUDIT[architecture] }), String(nr)).toBe(expected)
    }
  })

  it('behavior: the program is short enough for the kernel', () => {
    expect(filters[architecture].length / 8).toBeLessThan(4096)
  })

  it('behavior: another architecture is killed', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(500), (arch, nr) => {
        fc.pre(arch !== AUDIT[architecture])
        expect(interpret(filters[architecture], { nr, arch })).toBe(KILL)
      }),
    )
  })

  it('behavior: clone makes processes and threads, never namespaces', () => {
    expect(run(architecture, 'clone', 17n)).toBe(ALLOW)
    expect(run(architecture, 'clone', 0x3d0f00n)).toBe(ALLOW)
    for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n])
      expect(run(architecture, 'clone', flag | 17n)).toBe(EPERM)
    expect(run(architecture, 'clone3', 0n)).toBe(ENOSYS)
  })

  it('behavior: high words cannot hide a refused argument', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 0xffffffffn), (high) => {
        expect(run(architecture, 'ioctl', 0n, (high << 32n) | 0x5412n)).toBe(EPERM)
        expect(run(architecture, 'clone', (high << 32n) | 0x10000000n)).toBe(EPERM)
      }),
    )
  })

  it('behavior: sockets of four families, netlink for routes only', () => {
    for (const family of [1n, 2n, 10n]) expect(run(architecture, 'socket', family, 1n, 0n)).toBe(ALLOW)
    expect(run(architecture, 'socket', 16n, 3n, 0n)).toBe(ALLOW)
    expect(run(architecture, 'socket', 16n, 3n, 12n)).toBe(EAFNOSUPPORT)
    for (const family of [17n, 38n, 40n, 44n])
      expect(run(architecture, 'socket', family, 1n, 0n)).toBe(EAFNOSUPPORT)
    expect(run(architecture, 'socketpair', 1n, 1n, 0n)).toBe(ALLOW)
    expect(run(architecture, 'socketpair', 2n, 1n, 0n)).toBe(EAFNOSUPPORT)
  })

  it('behavior: pipes but no devices', () => {
    expect(run(architecture, 'mknodat', -100n, 0n, 0o010644n)).toBe(ALLOW)
    expect(run(architecture, 'mknodat', -100n, 0n, 0o020644n)).toBe(EPERM)
    expect(run(architecture, 'mknodat', -100n, 0n, 0o060644n)).toBe(EPERM)
  })

  it('behavior: personality may be asked for, not loosened', () => {
    expect(run(architecture, 'personality', 0xffffffffn)).toBe(ALLOW)
    expect(run(architecture, 'personality', 0x0400000n)).toBe(EPERM)
  })
})

describe('x32', () => {
  it('behavior: its calls are killed', () => {
    for (const nr of [0x40000000, 0x40000027, 0x7fffffff, 0xffffffff])
      expect(interpret(filters.x64, { nr })).toBe(KILL)
  })
})

describe('error: RangeError', () => {
  it('a jump must go ahead to a label that exists', () => {
    expect(() => assemble([{ op: 'jump', to: 'nowhere' }])).toThrow(RangeError)
    expect(() =>
      assemble([
        { op: 'label', name: 'back' },
        { op: 'jump', to: 'back' },
      ]),
    ).toThrow(RangeError)
  })
})
