/**
 * A two-pass assembler for the few classic BPF instructions that a seccomp filter needs.
 * Layout of an instruction: `struct sock_filter { u16 code; u8 jt; u8 jf; u32 k }`, in the machine's byte order
 * (both architectures here are little-endian).
 */
export type Instruction =
  | { readonly op: 'load'; readonly offset: number }
  | { readonly op: 'and'; readonly mask: number }
  | { readonly op: 'label'; readonly name: string }
  | { readonly op: 'jump'; readonly to: string }
  /** Go on with the next instruction if the test holds, else to `otherwise`. */
  | { readonly op: 'unless'; readonly test: JumpTest; readonly value: number; readonly otherwise: string }
  | { readonly op: 'return'; readonly value: number }

export type JumpTest = 'equal' | 'atLeast' | 'anyBit'

const LOAD_WORD_ABSOLUTE = 0x20
const AND_CONSTANT = 0x54
const JUMP_ALWAYS = 0x05
const RETURN_CONSTANT = 0x06
const TEST_CODES = { equal: 0x15, atLeast: 0x35, anyBit: 0x45 } as const

/** The kernel refuses longer programs (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096

/** Encode a program. Conditional jumps reach only 255 instructions, so each is followed by an unconditional one. */
export function assemble(program: readonly Instruction[]): Buffer {
  const addresses = new Map<string, number>()
  let address = 0
  for (const instruction of program) {
    if (instruction.op === 'label') addresses.set(instruction.name, address)
    else address += instruction.op === 'unless' ? 2 : 1
  }
  if (address > MAX_INSTRUCTIONS)
    throw new RangeError(`A seccomp filter has at most 4096 instructions, not ${address}`)

  const code = Buffer.alloc(address * 8)
  let at = 0
  const emit = (opcode: number, jt: number, jf: number, k: number) => {
    code.writeUInt16LE(opcode, at * 8)
    code.writeUInt8(jt, at * 8 + 2)
    code.writeUInt8(jf, at * 8 + 3)
    code.writeUInt32LE(k >>> 0, at * 8 + 4)
    at++
  }
  const jumpTo = (label: string) => {
    const target = addresses.get(label)
    // The kernel knows forward jumps only; a backward one would wrap around silently.
    if (target === undefined || target <= at)
      throw new RangeError(`Label "${label}" is not ahead of its jump`)
    emit(JUMP_ALWAYS, 0, 0, target - at - 1)
  }
  for (const instruction of program) {
    switch (instruction.op) {
      case 'label':
        break
      case 'load':
        emit(LOAD_WORD_ABSOLUTE, 0, 0, instruction.offset)
        break
      case 'and':
        emit(AND_CONSTANT, 0, 0, instruction.mask)
        break
      case 'jump':
        jumpTo(instruction.to)
        break
      case 'unless':
        emit(TEST_CODES[instruction.test], 1, 0, instruction.value)
        jumpTo(instruction.otherwise)
        break
      case 'return':
        emit(RETURN_CONSTANT, 0, 0, instruction.value)
        break
      default:
        instruction satisfies never
    }
  }
  return code
}
