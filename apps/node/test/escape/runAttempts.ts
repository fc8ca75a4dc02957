import { spawnSync } from 'node:child_process'
import type { Runner } from '../../src/runners/runner.ts'
import { type Attempt, PRELUDE } from './attempts.ts'

export interface AttemptOutcome {
  readonly name: string
  /** Exit 0: the attempt worked. */
  readonly exitCode: number
  readonly said: string
}

/** Run all attempts one after the other in one job of this runner. Throws if the job did not get through them. */
export async function runInSandbox(
  runner: Runner,
  attempts: readonly Attempt[],
  options: { readonly id: string; readonly envs: Readonly<Record<string, string>> },
): Promise<AttemptOutcome[]> {
  const job = await runner.start({
    id: options.id,
    bundle: null,
    run: scriptOf(attempts),
    envs: options.envs,
    outputs: [],
    limits: {
      cpus: 2,
      memoryBytes: 512 << 20,
      diskBytes: 32 << 20,
      inodes: 1000,
      processes: 128,
      logBytes: 1 << 20,
      outputBytes: 0,
      network: 'none',
    },
    gpus: [],
    deadline: Date.now() / 1000 + 100,
  })
  let log = ''
  for await (const { stream, bytes } of job.readLog({ from: 0, follow: true }))
    if (stream === 'stdout') log += Buffer.from(bytes).toString()
  const result = await job.done
  if (result.reason !== 'exit') throw new RangeError(`The attempts' job ended: ${result.message}`)
  return parse(log, attempts)
}

/** The same scripts on the bare host, with this process's rights. */
export function runOnHost(
  attempts: readonly Attempt[],
  options: { readonly envs: Readonly<Record<string, string>>; readonly cwd: string },
): AttemptOutcome[] {
  const { stdout } = spawnSync('sh', ['-c', scriptOf(attempts)], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, TMPDIR: options.cwd, ...options.envs },
    encoding: 'utf8',
  })
  return parse(stdout, attempts)
}

function scriptOf(attempts: readonly Attempt[]): string {
  return attempts
    .map(
      ({ script }, index) =>
        `timeout -s KILL 15 sh -c ${quote(PRELUDE + script)} > "$TMPDIR/said" 2>&1 && code=0 || code=$?; echo "@ ${index} $code $(head -c 400 "$TMPDIR/said" | base64 -w0)"`,
    )
    .join('\n')
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

function parse(log: string, attempts: readonly Attempt[]): AttemptOutcome[] {
  const outcomes = new Map<number, AttemptOutcome>()
  for (const [, index, code, said = ''] of log.matchAll(/^@ (\d+) (\d+) (\S*)$/gm)) {
    const name = attempts[Number(index)]?.name ?? ''
    outcomes.set(Number(index), {
      name,
      exitCode: Number(code),
      said: Buffer.from(said, 'base64').toString().trim(),
    })
  }
  return attempts.map(
    ({ name }, index) => outcomes.get(index) ?? { name, exitCode: -1, said: 'the attempt was never run' },
  )
}
