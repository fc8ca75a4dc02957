import type { Command } from 'commander'
import { parseDuration } from '../output/durations.ts'
import type { ExtendFlags } from './extend.ts'
import type { GetFlags } from './get.ts'
import type { LogsFlags } from './logs.ts'
import type { PsFlags } from './ps.ts'
import type { RunFlags } from './run.ts'
import type { StopFlags } from './stop.ts'

const collect = (value: string, all: readonly string[] = []) => [...all, value]

/** `run`, `ps`, `logs`, `stop`, `get`, `extend`: jobs on hired machines. */
export function registerJobCommands(program: Command): void {
  program
    .command('run')
    .description('run a job on the best machine that fits, and pay for the seconds it takes')
    .argument('[job...]', 'a task file, or a command after `--`')
    .option('-y, --yes', 'agree to the plan without being asked')
    .option('-d, --duration <time>', 'time to pay for in advance, the rest comes back', parseDuration, 3600)
    .option('--timeout <time>', 'time after which the machine ends the job', parseDuration)
    .option('--max-price <amount>', 'most per hour, in whole units of the currency')
    .option('--gpus <kind:count>', 'GPUs, such as H100:8, H100, or a number of any kind')
    .option('--cpus <count>', 'least number of processors')
    .option('--memory <size>', 'least memory, such as 16 (GiB) or 512MB')
    .option('--disk <size>', 'least disk, such as 100 (GiB)')
    .option('--internet', 'the job needs the public network')
    .option('-w, --where <query>', 'more terms of the query, see `millrace offers --help`')
    .option('--order <fields>', 'which offer is best', 'price')
    .option('--challenge', 'challenge a machine before it is hired; pass over one that claims too much')
    .option(
      '--haggle',
      'ask the best machines for a lower price first; the list price counts where they stay firm',
    )
    .option('--reserve <price>', 'with --haggle: most per hour to agree to, in whole units of the currency')
    .option('-e, --env <name=value>', 'environment of the job; without `=` our own value', collect)
    .option('--workdir <folder>', 'folder to send along with a command')
    .option('-o, --output <glob>', 'what comes back, relative to the work folder; may be repeated', collect)
    .option('--output-dir <folder>', 'where it goes (default millrace-out/<name>)')
    .option('--name <name>', 'name of the job')
    .option('--detach', 'leave once the job runs; `logs -f` and `get` come back to it')
    .option('--resume <lease>', 'go on with a job after a crash or a detach')
    .option('--summary-file <file>', 'also write the summary there, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  millrace run -- echo hello
  millrace run --gpus H100:2 --workdir . -- python train.py
  millrace run task.yaml --env EPOCHS=3 --yes
Task files are in SkyPilot's format: name, resources, workdir, setup, run, envs, outputs.
Ctrl-C leaves the job running and says how to come back; a second Ctrl-C stops the lease.
With --json each line is one event; the last has "event":"summary".`,
    )
    .action(async (words: string[], _: unknown, command: Command) => {
      const { runRun } = await import('./run.ts')
      await runRun(words, command.optsWithGlobals<RunFlags>())
    })
  program
    .command('ps')
    .description('list leases ordered from here; also those of a command that crashed')
    .option('-a, --all', 'also those that are over')
    .action(async (_: unknown, command: Command) => {
      const { runPs } = await import('./ps.ts')
      await runPs(command.optsWithGlobals<PsFlags>())
    })
  program
    .command('logs')
    .description('print the log of a job')
    .argument('<lease>', 'first digits of its id')
    .option('-f, --follow', 'go on until the job ends')
    .action(async (lease: string, _: unknown, command: Command) => {
      const { runLogs } = await import('./logs.ts')
      await runLogs(lease, command.optsWithGlobals<LogsFlags>())
    })
  program
    .command('stop')
    .description('stop a lease at this second; what was not used comes back')
    .argument('<lease...>', 'first digits of its id')
    .action(async (leases: string[], _: unknown, command: Command) => {
      const { runStop } = await import('./stop.ts')
      await runStop(leases, command.optsWithGlobals<StopFlags>())
    })
  program
    .command('get')
    .description('download the outputs of a job')
    .argument('<lease>', 'first digits of its id')
    .argument('[folder]', 'where they go (default: as ordered)')
    .action(async (lease: string, folder: string | undefined, _: unknown, command: Command) => {
      const { runGet } = await import('./get.ts')
      await runGet({ lease, folder }, command.optsWithGlobals<GetFlags>())
    })
  program
    .command('extend')
    .description('buy more time for a running lease, at the same price')
    .argument('<lease>', 'first digits of its id')
    .argument('<time>', 'such as 30m', parseDuration)
    .option('-y, --yes', 'agree to the cost without being asked')
    .action(async (lease: string, added: number, _: unknown, command: Command) => {
      const { runExtend } = await import('./extend.ts')
      await runExtend({ lease, added }, command.optsWithGlobals<ExtendFlags>())
    })
}
