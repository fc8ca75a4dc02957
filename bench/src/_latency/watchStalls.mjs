// Runs above everything else on one processor and sleeps for a millisecond at a time. Where it wakes up late nothing ran on that
// processor: the machine's host had taken it away. Prints each such stall, from when to when, in milliseconds of the system's clock.
import { writeSync } from 'node:fs'

const cell = new Int32Array(new SharedArrayBuffer(4))
const clock = () => Number(process.hrtime.bigint()) / 1e6
writeSync(1, 'watching\n')
for (;;) {
  const asked = clock()
  Atomics.wait(cell, 0, 0, 1)
  const woken = clock()
  if (woken - asked > 2) writeSync(1, `${asked + 1} ${woken}\n`)
}
