import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { detectMachine } from './detectMachine.ts'
import { parsePython } from './detectPython.ts'
import { ancestors, parseCgroup, parseCpuMax, parseCpuQuota, parseMemoryLimit } from './parseCgroup.ts'
import { parseNvidiaSmi, shortGpuName } from './parseNvidiaSmi.ts'
import { parseProcGpu } from './parseProcGpu.ts'
import { readLimits } from './readLimits.ts'

const folders: string[] = []
afterAll(() =>
  Promise.all(folders.map((folder) => rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 }))),
)

/** A folder with these files, by path. */
async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-detect-'))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

/** A folder with an executable of this name. */
async function program(name: string, script: string): Promise<string> {
  const folder = await tree({ [name]: `#!/bin/sh\n${script}\n` })
  await chmod(join(folder, name), 0o755)
  return folder
}

const smi = `0, NVIDIA H100 80GB HBM3, GPU-4404041a-04cf-1ccf-9e70-f139a9b1e23c, 81559, 580.95.05, 00000000:1B:00.0
1, NVIDIA H100 80GB HBM3, GPU-b2f5f1b7-45e3-d23d-65b7-3724064b9a89, 81559, 580.95.05, 00000000:43:00.0
`
const information = (uuid: string, bus: string) => `Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 283
GPU UUID: \t ${uuid}
Video BIOS: \t 96.00.5e.00.01
Bus Type: \t PCIe
DMA Size: \t 52 bits
DMA Mask: \t 0xfffffffffffff
Bus Location: \t ${bus}
Device Minor: \t 0
GPU Firmware: \t 580.95.05
GPU Excluded:\t No
`
const first = 'GPU-4404041a-04cf-1ccf-9e70-f139a9b1e23c'
const second = 'GPU-b2f5f1b7-45e3-d23d-65b7-3724064b9a89'
const kernel = {
  'proc/driver/nvidia/gpus/0000:1b:00.0/information': information(first, '0000:1b:00.0'),
  'proc/driver/nvidia/gpus/0000:43:00.0/information': information(second, '0000:43:00.0'),
}

describe('detectMachine', () => {
  test('default: this machine', async () => {
    const home = join(await tree({}), 'made')
    const machine = await detectMachine({ home })
    expect(machine.os).toBe(process.platform)
    expect(machine.cpus).toBeGreaterThan(0)
    expect(machine.cpus).toBeLessThanOrEqual(availableParallelism())
    expect(machine.memoryBytes).toBeLessThanOrEqual(totalmem())
    expect(machine.diskFreeBytes).toBeGreaterThan(0)
    expect(machine.cpuModel.length).toBeGreaterThan(0)
  })

  test('behavior: GPUs by nvidia-smi, in agreement with the kernel module', async () => {
    const path = await program(
      'nvidia-smi',
      `test "$1" = "--query-gpu=index,name,uuid,memory.total,driver_version,pci.bus_id" || exit 9\n/bin/cat <<'END'\n${smi}END`,
    )
    const machine = await detectMachine({ home: path, path, root: await tree(kernel) })
    expect(machine.findings).toEqual([])
    expect(machine.gpus).toHaveLength(2)
    expect(machine.gpus[0]).toEqual({
      index: 0,
      name: 'H100',
      model: 'NVIDIA H100 80GB HBM3',
      uuid: first,
      memoryMiB: 81559,
      driver: '580.95.05',
      bus: '00000000:1b:00.0',
    })
  })

  test('behavior: a tool that names more GPUs than the kernel module is reported', async () => {
    const forged = `${smi}2, NVIDIA H100 80GB HBM3, GPU-00000000-0000-0000-0000-000000000000, 81559, 580.95.05, 00000000:52:00.0\n`
    const path = await program('nvidia-smi', `/bin/cat <<'END'\n${forged}END`)
    const { findings } = await detectMachine({ home: path, path, root: await tree(kernel) })
    expect(findings).toEqual([
      { code: 'GPU_COUNT_DIFFERS', message: 'nvidia-smi names 3 GPUs, the kernel module 2' },
      {
        code: 'GPU_UUID_DIFFERS',
        message: 'the kernel module knows no GPU "GPU-00000000-0000-0000-0000-000000000000"',
      },
    ])
  })

  test('behavior: one GPU passed off as two is reported', async () => {
    const line = smi.split('\n')[0]
    const path = await program('nvidia-smi', `/bin/cat <<'END'\n${line}\n${line}\nEND`)
    const { findings } = await detectMachine({ home: path, path, root: await tree({}) })
    expect(findings).toEqual([
      { code: 'GPU_UUID_TWICE', message: `nvidia-smi names "${first}" more than once` },
    ])
  })

  test('behavior: a tool that is missing, fails or hangs leaves no GPU and says so', async () => {
    const root = await tree(kernel)
    const missing = await detectMachine({ home: root, path: root, root })
    expect(missing.gpus).toEqual([])
    expect(missing.findings.map(({ code }) => code)).toEqual(['GPU_TOOL_MISSING'])
    const fails = await program(
      'nvidia-smi',
      'echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18',
    )
    const failed = await detectMachine({ home: root, path: fails, root })
    expect(failed.findings).toEqual([
      { code: 'GPU_TOOL_FAILED', message: 'nvidia-smi ended with 18: no GPU is offered' },
    ])
    const hangs = await program('nvidia-smi', 'exec /bin/sleep 600')
    const hung = await detectMachine({ home: root, path: hangs, root, timeoutMs: 50 })
    expect(hung.findings).toEqual([
      { code: 'GPU_TOOL_FAILED', message: 'nvidia-smi ended with no answer: no GPU is offered' },
    ])
  })

  test('behavior: no driver and no tool is nothing to report', async () => {
    const root = await tree({})
    const machine = await detectMachine({ home: root, path: root, root })
    expect(machine).toMatchObject({ gpus: [], findings: [], python: null, cgroup: 'none' })
  })

  test('behavior: PyTorch and its GPUs, by asking Python', async () => {
    const path = await program(
      'python3',
      `echo warning; echo '{"version":"3.12.3","numpy":"2.1.0","torch":"2.8.0+cu128","cudaDevices":8}'`,
    )
    const { python } = await detectMachine({ home: path, path, root: path })
    expect(python).toEqual({ version: '3.12.3', numpy: '2.1.0', torch: '2.8.0+cu128', cudaDevices: 8 })
    const skipped = await detectMachine({ home: path, path, root: path, python: false })
    expect(skipped.python).toBeNull()
  })

  test('behavior: the control group’s limits bind, the nearest or any above', async () => {
    const root = await tree({
      'proc/self/cgroup': '0::/kubepods/pod1/box\n',
      'sys/fs/cgroup/kubepods/pod1/box/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/kubepods/pod1/box/memory.max': '1073741824\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/kubepods/memory.max': '4294967296\n',
    })
    const machine = await detectMachine({ home: root, path: root, root })
    expect(machine).toMatchObject({ cgroup: 'v2', cpus: 0.5, memoryBytes: 2 ** 30 })
  })
})

describe('readLimits', () => {
  test('behavior: v1', async () => {
    const root = await tree({
      'proc/self/cgroup': '5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n',
      // Inside the container only its own group is mounted, as the root.
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '150000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
    })
    expect(await readLimits(root)).toEqual({ cgroup: 'v1', cpus: 1.5, memoryBytes: 2 ** 29 })
  })

  test('behavior: a mixture of both, without limits', async () => {
    const root = await tree({
      'proc/self/cgroup': '4:memory:/\n1:cpu:/\n0::/\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    })
    expect(await readLimits(root)).toEqual({ cgroup: 'v1', cpus: null, memoryBytes: null })
  })
})

describe('parsers', () => {
  test('behavior: control groups', () => {
    expect(parseCgroup('0::/a/b\n')).toEqual({ unified: '/a/b', controllers: new Map() })
    expect([...parseCgroup('4:cpu,cpuacct:/x\nnonsense\n').controllers]).toEqual([
      ['cpu', '/x'],
      ['cpuacct', '/x'],
    ])
    expect(parseCpuMax('250000 100000')).toBe(2.5)
    expect(parseCpuMax('max 100000')).toBeNull()
    expect(parseCpuQuota('-1', '100000')).toBeNull()
    expect(parseCpuQuota('1000', '')).toBeNull()
    expect(parseMemoryLimit('max\n')).toBeNull()
    expect(ancestors('/a/../b')).toEqual(['a/b', 'a', ''])
  })

  test('behavior: lines that are none of a GPU are skipped', () => {
    expect(parseNvidiaSmi('No devices were found\n')).toEqual([])
    expect(parseNvidiaSmi('0, NVIDIA GB10, GPU-1, [N/A], 580, 0000000F:01:00.0\n')).toEqual([])
    expect(parseProcGpu('Model: X\n')).toBeNull()
    expect(parseProcGpu(information(first, '0000:1B:00.0'))).toEqual({
      model: 'NVIDIA H100 80GB HBM3',
      uuid: first,
      bus: '0000:1b:00.0',
    })
  })

  test.each([
    ['NVIDIA H100 80GB HBM3', 'H100'],
    ['NVIDIA H100 PCIe', 'H100'],
    ['NVIDIA A100-SXM4-80GB', 'A100'],
    ['NVIDIA GeForce RTX 4090', 'RTX 4090'],
    ['NVIDIA RTX 6000 Ada Generation', 'RTX 6000 Ada'],
    ['Tesla T4', 'T4'],
    ['NVIDIA H200', 'H200'],
    ['NVIDIA GH200 480GB', 'GH200'],
    ['NVIDIA', 'NVIDIA'],
  ])('behavior: %s is called %s', (model, name) => {
    expect(shortGpuName(model)).toBe(name)
  })

  test('behavior: what Python prints is not trusted', () => {
    expect(parsePython('')).toBeNull()
    expect(parsePython('{"version":3}')).toBeNull()
    expect(parsePython('{"version":"3.9","torch":true,"cudaDevices":"8"}')).toEqual({
      version: '3.9',
      numpy: null,
      torch: null,
      cudaDevices: 0,
    })
  })
})
