import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const folder = await mkdtemp(join(tmpdir(), 'millrace-job-'))
const job = join(folder, 'job')
const root = fileURLToPath(new URL('..', import.meta.url))
afterAll(() => rm(folder, { recursive: true }))

beforeAll(async () => {
  const build: { buildJob(options: { text: string; out: string }): Promise<string> } = await import(
    pathToFileURL(join(root, 'build.mjs')).href
  )
  await build.buildJob({ text: join(root, '../../docs/specs'), out: job })
})

/** Runs a program in the job's folder with nothing of our environment, as the sandbox does. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: job, env: { ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

describe('the job', () => {
  test('default: trains, writes its outputs, and the model goes on from a prompt', async () => {
    const { code, stdout, stderr } = await run(['train.mjs'], { STEPS: '4', SAMPLE: '20' })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toBe('train-lm: 4 steps on the text under text, seed 1')
    expect(stdout).toMatch(/step {4}4\/4 {2}loss \d/)
    expect((await readdir(join(job, 'out'))).sort()).toEqual([
      ...[
        'config.json',
        'metrics.jsonl',
        'sample.txt',
        'summary.json',
        'tokenizer.json',
        'weights.safetensors',
      ],
    ])
    const metrics = (await readFile(join(job, 'out/metrics.jsonl'), 'utf8')).trim().split('\n')
    expect(metrics.map((line) => JSON.parse(line).step)).toEqual([0, 4])
    const summary = JSON.parse(await readFile(join(job, 'out/summary.json'), 'utf8'))
    expect(summary.heldOutLoss.last).toBeLessThan(summary.heldOutLoss.first)
    const sample = await run(['sample.mjs', '--prompt', 'The market', '--length', '5'])
    expect(sample).toMatchObject({ code: 0, stderr: '' })
    expect(sample.stdout.startsWith('The market')).toBe(true)
  })

  test('error: says what is wrong and ends with 2', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    expect(await run(['train.mjs', '--text', empty])).toMatchObject({
      code: 2,
      stderr: `TEXT_FOLDER_EMPTY: No .md or .txt file under "${empty}". Give a folder of text with --text.\n`,
    })
    await writeFile(join(empty, 'a.md'), 'too short')
    expect(await run(['train.mjs', '--text', empty])).toMatchObject({
      code: 2,
      stderr: 'TEXT_TOO_SHORT: The text has 9 characters; at least 4000 are needed. Add more text.\n',
    })
    expect(await run(['train.mjs'], { STEPS: 'many' })).toMatchObject({
      code: 2,
      stderr: 'OPTION_INVALID: STEPS is "many"; allowed is a whole number from 1 to 1000000.\n',
    })
    expect((await run(['sample.mjs', '--model', empty])).stderr).toMatch(
      /^MODEL_INVALID: .*config.json": it cannot be read/,
    )
  })
})
