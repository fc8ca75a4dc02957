import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { commandTask, readEnvFlags, scriptOf } from './commandTask.ts'
import { parseTask, parseTaskFile } from './parseTask.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-task-'))
mkdirSync(join(folder, 'src'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))
const path = join(folder, 'train.yaml')
const parse = (text: string, envs: Record<string, string> = {}) => parseTask(text, path, { envs })

describe('parseTask', () => {
  test('default: a SkyPilot task', () => {
    const task = parse(
      `
name: train
resources:
  accelerators: {H100: 8}
  cpus: 4+
  memory: 16+
  disk_size: 100
  region: eu-west
  max_hourly_cost: 2.5
workdir: src
setup: |
  pip install -r requirements.txt
run: |
  python train.py --epochs $EPOCHS
envs:
  EPOCHS: 3
  DEBUG: true
outputs: [out/**, metrics.json]
`,
      { EPOCHS: '5' },
    )
    expect(task).toEqual({
      name: 'train',
      workdir: join(folder, 'src'),
      setup: 'pip install -r requirements.txt\n',
      run: 'python train.py --epochs $EPOCHS\n',
      envs: { EPOCHS: '5', DEBUG: 'true' },
      outputs: ['out/**', 'metrics.json'],
      needs: {
        cpus: 4,
        memoryMiB: 16_384,
        diskMiB: 102_400,
        gpus: [{ name: 'H100', count: 8 }],
        network: 'none',
        region: 'eu-west',
        maxPrice: '2.5',
      },
    })
  })

  test('behavior: only `run` is needed; the file names the task', () => {
    expect(parse('run: echo hi')).toMatchObject({
      name: 'train',
      workdir: null,
      setup: null,
      outputs: ['out/**'],
    })
  })

  test.each([
    ['H100', [{ name: 'H100', count: 1 }]],
    ['H100:2', [{ name: 'H100', count: 2 }]],
    [
      '[A100:4, H100:2]',
      [
        { name: 'A100', count: 4 },
        { name: 'H100', count: 2 },
      ],
    ],
  ])('behavior: accelerators: %s', (text, gpus) => {
    expect(
      parse(`run: x\nresources: {accelerators: ${text.startsWith('[') ? text : `"${text}"`}}`).needs.gpus,
    ).toEqual(gpus)
  })

  test.each([
    ['16', 16_384],
    ['0.5', 512],
    ['512MB', 512],
    ['2GiB', 2048],
    ['1TB', 1_048_576],
  ])('behavior: memory: %s', (text, memoryMiB) => {
    expect(parse(`run: x\nresources: {memory: ${text}}`).needs.memoryMiB).toBe(memoryMiB)
  })

  test.each([
    'num_nodes: 2',
    'file_mounts: {}',
    'service: {}',
    'secrets: {}',
    'runn: x',
    'resources: {use_spot: true}',
    'resources: {ports: 8080}',
    'resources: {any_of: []}',
    'resources: {cloud: aws}',
    'resources: {memry: 1}',
  ])('error: TaskFieldUnknownError for %s, by name and with what to do', (text) => {
    const field = text.startsWith('resources') ? `resources.${/\{(\w+)/.exec(text)?.[1]}` : text.split(':')[0]
    try {
      parse(`run: x\n${text}`)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'TASK_FIELD_UNKNOWN', exitCode: 64, details: { field } })
      expect((error as { remedy: string }).remedy).toMatch(/\w/)
    }
  })

  test.each([
    ['workdir: nowhere', 'workdir'],
    ['workdir: 3', 'workdir'],
    ['setup: 3', 'setup'],
    ['envs: [a]', 'envs'],
    ['envs: {A: null}', 'envs.A'],
    ['envs: {A: [1]}', 'envs.A'],
    ['outputs: 3', 'outputs'],
    ['outputs: [../x]', 'outputs'],
    ['outputs: [/etc/passwd]', 'outputs'],
    ['resources: 3', 'resources'],
    ['resources: {cpus: many}', 'resources.cpus'],
    ['resources: {memory: -1}', 'resources.memory'],
    ['resources: {accelerators: "H100:x"}', 'resources.accelerators'],
    ['resources: {accelerators: {H100: 0}}', 'resources.accelerators'],
    ['resources: {network: host}', 'resources.network'],
    ['resources: {max_hourly_cost: cheap}', 'resources.max_hourly_cost'],
  ])('error: TaskFieldInvalidError for %s', (text, field) => {
    expect(() => parse(`run: x\n${text}`)).toThrowError(
      expect.objectContaining({ code: 'TASK_FIELD_INVALID', details: expect.objectContaining({ field }) }),
    )
  })

  test.each(['', '[]', 'run: [', 'name: x', 'run: x\nrun: y'])('error: TaskFileError for %j', (text) => {
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code: 'TASK_FILE' }))
  })

  test('error: TaskFileError for a file that is not there', () => {
    expect(() => parseTaskFile(join(folder, 'no.yaml'), { envs: {} })).toThrowError(
      expect.objectContaining({ code: 'TASK_FILE' }),
    )
  })
})

describe('commandTask', () => {
  test('default: words are kept as they are, one word is a script', () => {
    expect(scriptOf(['echo', "it's", 'a b'])).toBe(`echo 'it'\\''s' 'a b'`)
    expect(scriptOf(['echo hi; ls'])).toBe('echo hi; ls')
    const task = commandTask(['python', 'x.py'], { gpus: '2', memory: '1', name: 'n', output: ['a'] }, folder)
    expect(task).toMatchObject({
      name: 'n',
      run: 'python x.py',
      outputs: ['a'],
      needs: { gpus: [{ name: null, count: 2 }], memoryMiB: 1024, cpus: null },
    })
  })

  test('behavior: --env takes values, also our own', () => {
    expect(readEnvFlags(['A=1', 'B=x=y', 'C'], { C: 'own' })).toEqual({ A: '1', B: 'x=y', C: 'own' })
  })

  test('error: UsageError', () => {
    expect(() => readEnvFlags(['1A=1'], {})).toThrowError(expect.objectContaining({ code: 'USAGE' }))
    expect(() => readEnvFlags(['A'], {})).toThrowError(expect.objectContaining({ code: 'USAGE' }))
  })
})
