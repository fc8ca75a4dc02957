import { Command } from 'commander'
import { registerAgentCommands } from './commands/agent.ts'
import { registerAssetCommands } from './commands/asset.ts'
import { registerCreditCommands } from './commands/credit.ts'
import { registerJobCommands } from './commands/jobs.ts'
import { registerMarketCommands } from './commands/market.ts'
import { registerMcpCommands } from './commands/mcp.ts'
import { registerNetworkCommands } from './commands/network.ts'
import { registerNodeCommands } from './commands/node.ts'
import { registerPayCommands } from './commands/pay.ts'
import { registerReceiptCommands } from './commands/receipt.ts'
import { registerRiskCommands } from './commands/risk.ts'
import { registerTillCommands } from './commands/till.ts'
import { registerWalletCommands } from './commands/wallet.ts'

/**
 * The command line. Each file under `commands/` says what a command takes; what it does is loaded when it is called,
 * so that `--help` and completion stay quick.
 */
export function createProgram(): Command {
  const program = new Command('millrace')
    .description('Hire a machine by the second, or sell the time of your own.')
    .version('0.1.0', '-V, --version')
    .option('--json', 'print JSON for programs instead of text')
    .option('--network <name>', 'network of the settings file, or `local`')
    .option('--wallet <name>', 'wallet that signs')
    .option('--gateway <url...>', 'gateway to ask, instead of the network’s')
    .option('--rpc-url <url>', 'RPC of the chain, instead of the network’s')
    .option('--passphrase-file <file>', 'file with the wallet’s passphrase')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('See `millrace --help`.')
    .exitOverride()
    .addHelpText('after', exitCodeHelp)
  registerNetworkCommands(program)
  registerMarketCommands(program)
  registerJobCommands(program)
  registerWalletCommands(program)
  registerAgentCommands(program)
  registerNodeCommands(program)
  registerAssetCommands(program)
  registerTillCommands(program)
  registerCreditCommands(program)
  registerRiskCommands(program)
  registerMcpCommands(program)
  registerPayCommands(program)
  registerReceiptCommands(program)
  return program
}

const exitCodeHelp = `
Home folder: MILLRACE_HOME, else ~/.millrace.
Exit codes: 0 done · 64 wrong usage · 65 wrong data · 66 not found · 69 not answering · 70 defect · 71 money ·
74 files · 75 try later · 77 refused · 78 configuration · 79 job cut short · 130 Ctrl-C. 'run' passes on the job's own.`
