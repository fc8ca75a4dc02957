import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CommandFailedError } from './errors.ts'

const entry = fileURLToPath(new URL('../../../apps/cli/bin/millrace.mjs', import.meta.url))

/** Runs the command and gives the objects that it printed. */
export type Millrace = (
  args: readonly string[],
  options?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> },
) => Promise<readonly Readonly<Record<string, unknown>>[]>

/**
 * The command with a home folder of its own, as a program uses it.
 *
 * @param home Home folder.
 * @returns A function that throws CommandFailedError where the command fails.
 */
export function millraceIn(home: string): Millrace {
  return (args, { input = '', env = {} } = {}) =>
    new Promise((done, fail) => {
      const child = spawn(process.execPath, [entry, '--json', ...args], {
        cwd: home,
        env: { ...process.env, MILLRACE_HOME: home, ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk
      })
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk
      })
      child.stdin.on('error', () => {})
      child.stdin.end(input)
      child.once('error', fail)
      child.once('close', (code) => {
        if (code !== 0) {
          const said = (stderr || stdout).trim().slice(-600)
          return fail(new CommandFailedError({ command: args.join(' '), code, said }))
        }
        done(
          stdout.split('\n').flatMap((line) => {
            try {
              return [JSON.parse(line) as Record<string, unknown>]
            } catch {
              return []
            }
          }),
        )
      })
    })
}
