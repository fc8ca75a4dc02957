import type { Command } from 'commander'
import type { ReceiptFlags } from './receiptActions.ts'

/** `receipt …`: what others signed. */
export function registerReceiptCommands(program: Command): void {
  program
    .command('receipt')
    .description('verify a signed receipt of a lease or of a paid call, offline')
    .argument(
      '<file>',
      'receipt.json of a lease, output of `pay --json`, or a header Millrace-Receipt; - for stdin',
    )
    .option('--signer <address>', 'who must have signed it: the machine, or the seller')
    .option('--request <request>', "what was asked, as 'GET https://api.example/data'; calls only")
    .option('--terms <hash>', 'hash of what was agreed in a haggle')
    .action(async (path: string, _: unknown, command: Command) =>
      (await import('./receiptActions.ts')).checkReceipt(path, command.optsWithGlobals<ReceiptFlags>()),
    )
}
