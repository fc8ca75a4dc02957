/**
 * What each thread runs. It is text and not a module of its own so that it starts the same way from sources and from a
 * bundle; all arithmetic lies in the WebAssembly kernels that it is handed.
 *
 * control[0]: next 64 rows of B · control[1]: rows of B done, in 64s · control[2]: next block of C · control[3]: next
 * 64 rows of C·r.
 */
export const workerProgram = `
const { parentPort, workerData } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const { module, memory, n, at, thread, depth, blockRows } = workerData
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports
const control = new Int32Array(memory.buffer, at.control, 16)
const bytes = new Uint8Array(memory.buffer)
const rows = at.scratch + thread * at.scratchSize
const left = rows + 16 * n
const take = (slot) => Atomics.add(control, slot, 1)
const depthAt = (from) => Math.min(depth, n - from)

function right() {
  for (let chunk = take(0); chunk < n / 64; chunk = take(0)) {
    for (let k = 64 * chunk; k < 64 * chunk + 64; k++) {
      const from = k - (k % depth)
      kernels.expand(at.stateB, rows, (k * n) / 16, n / 64)
      kernels.packRight(rows, at.right + 4 * n * from + 32 * (k - from), 32 * depthAt(from), n / 8)
    }
    Atomics.add(control, 1, 1)
    Atomics.notify(control, 1)
  }
  for (let done = Atomics.load(control, 1); done < n / 64; done = Atomics.load(control, 1)) {
    Atomics.wait(control, 1, done, 100)
  }
}

function block(first) {
  for (let row = 0; row < blockRows; row += 4) {
    for (let i = 0; i < 4; i++) {
      kernels.expand(at.stateA, rows + 4 * n * i, ((first + row + i) * n) / 16, n / 64)
    }
    for (let from = 0; from < n; from += depth) {
      const to = left + 4 * from * blockRows + 4 * row * depthAt(from)
      kernels.packLeft(rows + 4 * from, 4 * n, to, depthAt(from), 1)
    }
  }
  for (let from = 0; from < n; from += depth) {
    const a = left + 4 * from * blockRows
    kernels.multiply(a, at.right + 4 * n * from, at.c + 4 * n * first, 4 * n, depthAt(from), blockRows / 4, n / 8)
  }
  for (let row = first; row < first + blockRows; row++) {
    const from = at.c + 4 * n * row
    bytes.set(createHash('sha256').update(zero).update(bytes.subarray(from, from + 4 * n)).digest(), at.leaves + 32 * row)
  }
}

const zero = Uint8Array.of(0)
right()
for (let next = take(2); next < n / blockRows; next = take(2)) block(next * blockRows)
parentPort.postMessage('committed')
parentPort.on('message', () => {
  for (let chunk = take(3); chunk < n / 64; chunk = take(3)) {
    for (let row = 64 * chunk; row < 64 * chunk + 64; row++) {
      kernels.dot(at.c + 4 * n * row, at.vectors, n, at.product + 32 * row)
    }
  }
  parentPort.postMessage('opened')
})
`
