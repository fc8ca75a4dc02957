/** Bytes of instructions. */
export type Code = readonly number[]

/** Types of WebAssembly values used here. */
export type ValueType = 'i32' | 'v128'

/** A function to assemble. Parameters come first among the locals. */
export interface WasmFunction {
  readonly name: string
  readonly params: readonly string[]
  readonly locals: Readonly<Record<string, ValueType>>
  readonly body: (local: Locals) => Code
}

/** Access to a function's parameters and locals by name. */
export interface Locals {
  get(name: string): Code
  set(name: string, value: Code): Code
}

const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, v128: 0x7b }

/**
 * Assembles a WebAssembly module that imports one memory (`env.memory`) and exports its functions. Parameters are
 * `i32`, nothing is returned. It knows the few instructions below and nothing more: enough for kernels that no
 * JavaScript engine vectorises by itself, without a compiler among the dependencies.
 */
export function assemble(
  functions: readonly WasmFunction[],
  memory: { readonly shared: boolean },
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ params }) => [0x60, ...vector(params.map(() => [typeCodes.i32])), 0])
  const limits = memory.shared ? [0x03, ...unsigned(1), ...unsigned(65536)] : [0x00, ...unsigned(1)]
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...limits]])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]))),
    ...section(10, vector(functions.map(assembleBody))),
  ]
  return Uint8Array.from(bytes)
}

function assembleBody({ params, locals, body }: WasmFunction): Code {
  const names = [...params, ...Object.keys(locals)]
  const index = (name: string) => {
    const at = names.indexOf(name)
    if (at < 0) throw new RangeError(`no local "${name}"`)
    return unsigned(at)
  }
  const code = [
    ...vector(Object.values(locals).map((type) => [1, typeCodes[type]])),
    ...body({
      get: (name) => [0x20, ...index(name)],
      set: (name, value) => [...value, 0x21, ...index(name)],
    }),
    0x0b,
  ]
  return [...unsigned(code.length), ...code]
}

/** LEB128. */
export function unsigned(value: number): Code {
  const bytes: number[] = []
  let rest = value >>> 0
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest === 0 ? low : low | 0x80)
  } while (rest !== 0)
  return bytes
}

function signed(value: number): Code {
  const bytes: number[] = []
  let rest = value | 0
  for (;;) {
    const low = rest & 0x7f
    rest >>= 7
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content]
const text = (value: string): Code => vector([...new TextEncoder().encode(value)].map((byte) => [byte]))
const simd = (code: number): Code => [0xfd, ...unsigned(code)]

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x6a],
  sub: (a: Code, b: Code): Code => [...a, ...b, 0x6b],
  mul: (a: Code, b: Code): Code => [...a, ...b, 0x6c],
  shl: (a: Code, bits: number): Code => [...a, ...i32.const(bits), 0x74],
  shrU: (a: Code, bits: number): Code => [...a, ...i32.const(bits), 0x76],
}

export const v128 = {
  load: (at: Code, offset = 0): Code => [...at, ...simd(0x00), 4, ...unsigned(offset)],
  loadSplat32: (at: Code, offset = 0): Code => [...at, ...simd(0x09), 2, ...unsigned(offset)],
  loadLow64: (at: Code, offset = 0): Code => [...at, ...simd(0x5d), 3, ...unsigned(offset)],
  store: (at: Code, value: Code, offset = 0): Code => [
    ...at,
    ...value,
    ...simd(0x0b),
    4,
    ...unsigned(offset),
  ],
  i32s: (lanes: readonly [number, number, number, number]): Code => [
    ...simd(0x0c),
    ...new Uint8Array(Uint32Array.from(lanes).buffer),
  ],
  xor: (a: Code, b: Code): Code => [...a, ...b, ...simd(0x51)],
  or: (a: Code, b: Code): Code => [...a, ...b, ...simd(0x50)],
  shuffle: (a: Code, b: Code, bytes: readonly number[]): Code => [...a, ...b, ...simd(0x0d), ...bytes],
  splatI32: (value: Code): Code => [...value, ...simd(0x11)],
  addI32: (a: Code, b: Code): Code => [...a, ...b, ...simd(0xae)],
  shlI32: (a: Code, bits: number): Code => [...a, ...i32.const(bits), ...simd(0xab)],
  shrSignedI32: (a: Code, bits: number): Code => [...a, ...i32.const(bits), ...simd(0xac)],
  shrI32: (a: Code, bits: number): Code => [...a, ...i32.const(bits), ...simd(0xad)],
  toF32: (a: Code): Code => [...a, ...simd(0xfa)],
  addF32: (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe4)],
  mulF32: (a: Code, b: Code): Code => [...a, ...b, ...simd(0xe6)],
  lowToF64: (a: Code): Code => [...a, ...simd(0x5f)],
  addF64: (a: Code, b: Code): Code => [...a, ...b, ...simd(0xf0)],
  mulF64: (a: Code, b: Code): Code => [...a, ...b, ...simd(0xf2)],
}

/** Runs `body` as often as `count` says (at least once), counting down in the local `counter`. */
export function times(local: Locals, counter: string, count: Code, body: Code): Code {
  return [
    ...local.set(counter, count),
    ...[0x03, 0x40],
    ...body,
    ...local.set(counter, i32.sub(local.get(counter), i32.const(1))),
    ...local.get(counter),
    ...[0x0d, 0x00, 0x0b],
  ]
}

/** `name += value` on an i32 local. */
export function advance(local: Locals, name: string, value: Code): Code {
  return local.set(name, i32.add(local.get(name), value))
}
