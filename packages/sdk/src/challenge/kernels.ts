import {
  advance,
  assemble,
  type Code,
  i32,
  type Locals,
  times,
  v128,
  type WasmFunction,
} from './assembler.ts'
import { quarters, rounds } from './chacha.ts'
import { entryScale } from './generator.ts'

/** Rows and columns of C that the innermost loop holds in registers, and how deep it goes before it writes them back. */
export const tile = { rows: 4, columns: 8, depth: 256 } as const

/** Rows of C that are worked on at a time. */
export const blockRows = 64

/** The kernels' faces. Addresses and sizes are in bytes unless said otherwise. */
export interface Kernels {
  /**
   * Writes `groups` × 64 entries to `to`, from block `counter` on. At `state` lie 16 × 16 bytes: each word of the
   * generator's state four times.
   */
  expand(state: number, to: number, counter: number, groups: number): void
  /** Four sums of a row of n floats with four vectors of n doubles that lie one after the other; doubles. */
  dot(row: number, vectors: number, n: number, to: number): void
  /** Interleaves `panels` × 4 rows of `depth` floats (`stride` apart) so that the four values of a column lie together. */
  packLeft(rows: number, stride: number, to: number, depth: number, panels: number): void
  /** Spreads one row of n floats over panels of 8 columns that are `stride` apart. */
  packRight(row: number, to: number, stride: number, panels: number): void
  /** C += A·B for `leftPanels` × 4 rows of C (`stride` apart) and `rightPanels` × 8 columns, from packed A and B. */
  multiply(
    a: number,
    b: number,
    c: number,
    stride: number,
    depth: number,
    leftPanels: number,
    rightPanels: number,
  ): void
}

/**
 * The challenge's kernels as a WebAssembly module with 128-bit vectors.
 * @param memory Whether the memory that will be given is shared between threads.
 */
export function assembleKernels(memory: { readonly shared: boolean }): Uint8Array<ArrayBuffer> {
  return assemble([expand, dot, packLeft, packRight, multiply], memory)
}

const xs = Array.from({ length: 16 }, (_, i) => `x${i}`)

const expand: WasmFunction = {
  name: 'expand',
  params: ['state', 'to', 'counter', 'groups'],
  locals: {
    left: 'i32',
    round: 'i32',
    ...Object.fromEntries(xs.map((x) => [x, 'v128'])),
    t0: 'v128',
    t1: 'v128',
    t2: 'v128',
    t3: 'v128',
  },
  body: (local) => {
    const { get, set } = local
    // Four blocks at a time, one in each lane.
    const initial = (i: number) =>
      i === 12
        ? v128.addI32(v128.splatI32(get('counter')), v128.i32s([0, 1, 2, 3]))
        : v128.load(get('state'), 16 * i)
    const step = (to: string, from: string, by: string, bits: number): Code => [
      ...set(to, v128.addI32(get(to), get(from))),
      ...set(by, v128.xor(get(by), get(to))),
      ...set(by, rotate(get(by), bits)),
    ]
    const doubleRound = quarters.flatMap(([a, b, c, d]) => [
      ...step(`x${a}`, `x${b}`, `x${d}`, 16),
      ...step(`x${c}`, `x${d}`, `x${b}`, 12),
      ...step(`x${a}`, `x${b}`, `x${d}`, 8),
      ...step(`x${c}`, `x${d}`, `x${b}`, 7),
    ])
    const scale = v128.i32s([scaleBits, scaleBits, scaleBits, scaleBits])
    const entry = (i: number) => {
      const word = v128.addI32(get(`x${i}`), initial(i))
      return set(`x${i}`, v128.mulF32(v128.toF32(v128.shrSignedI32(word, 8)), scale))
    }
    const write = [0, 4, 8, 12].flatMap((first) => {
      const from = [0, 1, 2, 3].map((i) => `x${first + i}`)
      const turned = transpose(local, from)
      return [...turned, ...from.flatMap((x, block) => v128.store(get('to'), get(x), 64 * block + 4 * first))]
    })
    return times(local, 'left', get('groups'), [
      ...xs.flatMap((x, i) => set(x, initial(i))),
      ...times(local, 'round', i32.const(rounds / 2), doubleRound),
      ...xs.flatMap((_, i) => entry(i)),
      ...write,
      ...advance(local, 'to', i32.const(256)),
      ...advance(local, 'counter', i32.const(4)),
    ])
  },
}

const dot: WasmFunction = {
  name: 'dot',
  params: ['row', 'vectors', 'n', 'to'],
  locals: { left: 'i32', v1: 'i32', v2: 'i32', v3: 'i32', ...vectors(['s0', 's1', 's2', 's3', 'p', 'q']) },
  body: (local) => {
    const { get, set } = local
    const pointers = ['vectors', 'v1', 'v2', 'v3']
    const sums = ['s0', 's1', 's2', 's3']
    const accumulate = (value: string, offset: number) =>
      sums.flatMap((sum, i) =>
        set(sum, v128.addF64(get(sum), v128.mulF64(get(value), v128.load(get(pointers[i] ?? ''), offset)))),
      )
    return [
      ...set('v1', i32.add(get('vectors'), i32.shl(get('n'), 3))),
      ...set('v2', i32.add(get('v1'), i32.shl(get('n'), 3))),
      ...set('v3', i32.add(get('v2'), i32.shl(get('n'), 3))),
      ...times(local, 'left', i32.shrU(get('n'), 2), [
        ...set('p', v128.lowToF64(v128.loadLow64(get('row')))),
        ...set('q', v128.lowToF64(v128.loadLow64(get('row'), 8))),
        ...accumulate('p', 0),
        ...accumulate('q', 16),
        ...advance(local, 'row', i32.const(16)),
        ...pointers.flatMap((pointer) => advance(local, pointer, i32.const(32))),
      ]),
      ...[0, 1].flatMap((pair) => {
        const [even, odd] = [get(`s${2 * pair}`), get(`s${2 * pair + 1}`)]
        const sum = v128.addF64(v128.shuffle(even, odd, lowHalves), v128.shuffle(even, odd, highHalves))
        return v128.store(get('to'), sum, 16 * pair)
      }),
    ]
  },
}

const packLeft: WasmFunction = {
  name: 'packLeft',
  params: ['rows', 'stride', 'to', 'depth', 'panels'],
  locals: {
    panel: 'i32',
    left: 'i32',
    r0: 'i32',
    r1: 'i32',
    r2: 'i32',
    r3: 'i32',
    ...vectors(['x0', 'x1', 'x2', 'x3', 't0', 't1', 't2', 't3']),
  },
  body: (local) => {
    const { get, set } = local
    const rows = ['r0', 'r1', 'r2', 'r3']
    const values = ['x0', 'x1', 'x2', 'x3']
    return times(local, 'panel', get('panels'), [
      ...rows.flatMap((row, i) => set(row, i === 0 ? get('rows') : i32.add(get(`r${i - 1}`), get('stride')))),
      ...times(local, 'left', i32.shrU(get('depth'), 2), [
        ...values.flatMap((value, i) => set(value, v128.load(get(rows[i] ?? '')))),
        ...transpose(local, values),
        ...values.flatMap((value, i) => v128.store(get('to'), get(value), 16 * i)),
        ...advance(local, 'to', i32.const(64)),
        ...rows.flatMap((row) => advance(local, row, i32.const(16))),
      ]),
      ...advance(local, 'rows', i32.shl(get('stride'), 2)),
    ])
  },
}

const packRight: WasmFunction = {
  name: 'packRight',
  params: ['row', 'to', 'stride', 'panels'],
  locals: { left: 'i32' },
  body: (local) => {
    const { get } = local
    return times(local, 'left', get('panels'), [
      ...v128.store(get('to'), v128.load(get('row'))),
      ...v128.store(get('to'), v128.load(get('row'), 16), 16),
      ...advance(local, 'row', i32.const(32)),
      ...advance(local, 'to', get('stride')),
    ])
  },
}

const multiply: WasmFunction = {
  name: 'multiply',
  params: ['a', 'b', 'c', 'stride', 'depth', 'leftPanels', 'rightPanels'],
  locals: {
    ...{ column: 'i32', panel: 'i32', left: 'i32', pa: 'i32', pb: 'i32', pc: 'i32' },
    ...vectors(['b0', 'b1', 'w', 'c00', 'c01', 'c10', 'c11', 'c20', 'c21', 'c30', 'c31']),
  },
  body: (local) => {
    const { get, set } = local
    const rows = [0, 1, 2, 3]
    const zero = v128.i32s([0, 0, 0, 0])
    const multiplyAdd = (sum: string, value: string) =>
      set(sum, v128.addF32(get(sum), v128.mulF32(get('w'), get(value))))
    const step = (at: number): Code => [
      ...set('b0', v128.load(get('pb'), 32 * at)),
      ...set('b1', v128.load(get('pb'), 32 * at + 16)),
      ...rows.flatMap((row) => [
        ...set('w', v128.loadSplat32(get('pa'), 16 * at + 4 * row)),
        ...multiplyAdd(`c${row}0`, 'b0'),
        ...multiplyAdd(`c${row}1`, 'b1'),
      ]),
    ]
    const writeBack = rows.flatMap((row) => [
      ...v128.store(get('pc'), v128.addF32(v128.load(get('pc')), get(`c${row}0`))),
      ...v128.store(get('pc'), v128.addF32(v128.load(get('pc'), 16), get(`c${row}1`)), 16),
      ...advance(local, 'pc', get('stride')),
    ])
    return times(local, 'column', get('rightPanels'), [
      ...set('pa', get('a')),
      ...set('pc', get('c')),
      ...times(local, 'panel', get('leftPanels'), [
        ...set('pb', get('b')),
        ...rows.flatMap((row) => [...set(`c${row}0`, zero), ...set(`c${row}1`, zero)]),
        ...times(local, 'left', i32.shrU(get('depth'), 2), [
          ...[0, 1, 2, 3].flatMap(step),
          ...advance(local, 'pa', i32.const(64)),
          ...advance(local, 'pb', i32.const(128)),
        ]),
        ...writeBack,
      ]),
      ...advance(local, 'b', i32.shl(get('depth'), 5)),
      ...advance(local, 'c', i32.const(32)),
    ])
  },
}

function vectors(names: readonly string[]): Record<string, 'v128'> {
  return Object.fromEntries(names.map((name) => [name, 'v128']))
}

const scaleBits = new Uint32Array(Float32Array.of(entryScale).buffer)[0] ?? 0
const lanes = (...words: readonly number[]) =>
  words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte))
const lowHalves = lanes(0, 1, 4, 5)
const highHalves = lanes(2, 3, 6, 7)

/** Whole bytes move in one instruction; the other rotations take three. */
function rotate(value: Code, bits: number): Code {
  if (bits % 8 === 0) {
    const bytes = Array.from({ length: 16 }, (_, i) => (i & ~3) | (((i & 3) + 4 - bits / 8) & 3))
    return v128.shuffle(value, value, bytes)
  }
  return v128.or(v128.shlI32(value, bits), v128.shrI32(value, 32 - bits))
}

/** Transposes four vectors of four words in place, through the locals t0 to t3. */
function transpose(local: Locals, names: readonly string[]): Code {
  const { get, set } = local
  const [a = '', b = '', c = '', d = ''] = names
  const low = lanes(0, 4, 1, 5)
  const high = lanes(2, 6, 3, 7)
  return [
    ...set('t0', v128.shuffle(get(a), get(b), low)),
    ...set('t1', v128.shuffle(get(c), get(d), low)),
    ...set('t2', v128.shuffle(get(a), get(b), high)),
    ...set('t3', v128.shuffle(get(c), get(d), high)),
    ...set(a, v128.shuffle(get('t0'), get('t1'), lowHalves)),
    ...set(b, v128.shuffle(get('t0'), get('t1'), highHalves)),
    ...set(c, v128.shuffle(get('t2'), get('t3'), lowHalves)),
    ...set(d, v128.shuffle(get('t2'), get('t3'), highHalves)),
  ]
}
