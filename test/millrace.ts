import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../apps/cli/bin/millrace.mjs', import.meta.url))

export interface Ended {
  readonly code: number | null
  /** Objects printed on stdout, one a line. */
  readonly objects: readonly Readonly<Record<string, unknown>>[]
  readonly stderr: string
}

/** The command as a person would run it, with a home folder of its own. */
export function millraceIn(home: string) {
  const start = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [entry, '--json', ...args], {
      cwd: home,
      env: { ...process.env, MILLRACE_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  /** Runs to the end; never throws for a failing command. */
  const run = (...args: readonly string[]): Promise<Ended> =>
    new Promise((done, fail) => {
      const child = start(args)
      let stdout = ''
      let stderr = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        stdout += chunk
      })
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk
      })
      child.once('error', fail)
      child.once('close', (code) => {
        const objects = stdout.split('\n').flatMap((line) => {
          try {
            return [JSON.parse(line) as Record<string, unknown>]
          } catch {
            return []
          }
        })
        done({ code, objects, stderr })
      })
    })
  return { run, start }
}
