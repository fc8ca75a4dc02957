import type { Command } from 'commander'
import type { McpFlags } from './mcpServe.ts'

/** `mcp`: what agents use. */
export function registerMcpCommands(program: Command): void {
  program
    .command('mcp')
    .description('serve MCP clients: agents hire machines and pay for calls, within a budget')
    .option('--budget <amount>', 'most that may be spent in all, in whole units; required')
    .option('--per-payment <amount>', 'most in one payment, in whole units (default: the budget)')
    .option(
      '--tools <name=command>',
      'an MCP server that agents may call by this name; repeat it for more',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option(
      '--sell-at <host>',
      'address of this machine at which agents may sell services (default: 127.0.0.1)',
    )
    .option(
      '--http <port>',
      'serve streamable HTTP on this machine’s port instead of stdio, 0 for any',
      Number,
    )
    .addHelpText(
      'after',
      `
The budget is kept in the home folder and counts what earlier servers spent; no tool can raise it. Tasks read and write
files below the current folder only. docs/guides/mcp.md shows how clients are configured.`,
    )
    .action(async (_: unknown, command: Command) => {
      const { runMcp } = await import('./mcpServe.ts')
      await runMcp(command.optsWithGlobals<McpFlags>())
    })
}
