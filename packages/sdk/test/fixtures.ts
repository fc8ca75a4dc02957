import type { Spec } from '../src/index.ts'

/** What a small machine offers. */
export const spec: Spec = {
  version: 1,
  runner: 'sandbox',
  region: 'eu-west',
  network: 'none',
  device: '0x00000000000000000000000000000000000000d1',
  sessionKey: `0x${'22'.repeat(32)}`,
  os: 'linux',
  arch: 'x64',
  cpus: 2,
  cpuModel: 'AMD EPYC',
  memoryMiB: 4096,
  diskMiB: 8192,
  gpus: [{ name: 'H100', memoryMiB: 81_559, uuid: 'GPU-1', driver: '580.1' }],
}
