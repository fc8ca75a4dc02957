import type { Spec } from '@millrace/sdk'
import type { Address, Hash } from 'viem'
import type { NodeConfig } from '../config/nodeConfig.ts'
import type { Machine } from '../detect/index.ts'
import { MachineTooSmallError } from './errors.ts'

const MIB = 1024 * 1024
/** Most disk that is offered unasked, over all slots. */
const USUAL_DISK_MIB = 32 * 1024
/** Smallest machine that is worth offering. */
const LEAST = { cpus: 0.1, memoryMiB: 64, diskMiB: 64 }

export interface SlotSpecOptions {
  readonly machine: Machine
  readonly config: NodeConfig
  readonly device: Address
  readonly sessionKey: Hash
  /** The most network that the runner can give. */
  readonly network: 'none' | 'public'
}

/**
 * Shares the machine out: what each slot offers. CPUs, memory and disk are split evenly, after what is left to the system;
 * GPUs are dealt out whole, the first slots getting one more where they do not divide. Throws `MachineTooSmallError`.
 */
export function slotSpecs(options: SlotSpecOptions): readonly Spec[] {
  const { machine, config, device, sessionKey } = options
  const { slots, region } = config.offer
  const cpus = Math.min(config.machine.cpus ?? machine.cpus, machine.cpus)
  const memoryMiB = config.machine.memoryMib ?? machine.memoryBytes / MIB - config.machine.reserveMemoryMib
  // A job's disk is set aside when it starts, so what is not configured stays modest: this machine has other uses too.
  const diskMiB =
    config.machine.diskMib ??
    Math.min((machine.diskFreeBytes / MIB - config.machine.reserveDiskMib) / 4, USUAL_DISK_MIB)
  const share = {
    // Two decimals: a spec is read by people.
    cpus: Math.floor((cpus / slots) * 100) / 100,
    memoryMiB: Math.floor(Math.min(memoryMiB, machine.memoryBytes / MIB) / slots),
    // Free space changes by the minute, and with it would the spec's hash: whole GiB, and no more than 1 TiB.
    diskMiB: roundDisk(Math.min(diskMiB, machine.diskFreeBytes / MIB) / slots),
  }
  for (const key of ['cpus', 'memoryMiB', 'diskMiB'] as const) {
    if (share[key] < LEAST[key])
      throw new MachineTooSmallError({ what: key, share: share[key], least: LEAST[key], slots })
  }
  const wanted = config.machine.gpus
  const gpus = machine.gpus
    .filter((gpu) => wanted === undefined || wanted.includes(gpu.uuid))
    .sort((a, b) => (a.uuid < b.uuid ? -1 : 1))
  return Array.from({ length: slots }, (_, slot) => ({
    version: 1 as const,
    runner: 'sandbox',
    ...(region === undefined ? {} : { region }),
    network: config.offer.network === 'public' && options.network === 'public' ? 'public' : 'none',
    device,
    sessionKey,
    os: machine.os,
    arch: machine.arch,
    cpuModel: machine.cpuModel.slice(0, 128),
    ...share,
    gpus: gpus
      .filter((_, index) => index % slots === slot)
      .map((gpu) => ({ name: gpu.name, memoryMiB: gpu.memoryMiB, uuid: gpu.uuid, driver: gpu.driver })),
  }))
}

function roundDisk(mib: number): number {
  const capped = Math.min(mib, 1024 * 1024)
  return capped >= 1024 ? Math.floor(capped / 1024) * 1024 : Math.floor(capped / 64) * 64
}
