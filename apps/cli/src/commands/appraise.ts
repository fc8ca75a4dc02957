import type { Command } from 'commander'
import type { AppraiseSignFlags, PanelFlags, ShowAppraisalFlags } from './appraiseActions.ts'
import type { AppraiseEvidenceFlags } from './appraiseEvidence.ts'
import type { GlobalFlags } from './flags.ts'

/** `appraise`: what assets are worth, and where their revenue came from, by signatures of panels. */
export function registerAppraise(program: Command): void {
  const appraise = program.command('appraise').description('what assets are worth, by signed appraisals')
  const actions = () => import('./appraiseActions.ts')
  appraise
    .command('curve')
    .description('publish a depreciation curve')
    .argument('<half-life>', 'time in which half of the value is lost, such as 730d')
    .argument('<haircut>', 'percent that a sale brings less')
    .action(async (halfLife: string, haircut: string, _: unknown, command: Command) =>
      (await actions()).publish({ halfLife, haircut }, command.optsWithGlobals<GlobalFlags>()),
    )
  appraise
    .command('panel')
    .description('make a panel of appraisers; the wallet that signs is its curator')
    .argument('<appraiser...>', 'wallets or addresses')
    .option('--quorum <number>', 'how many must sign an appraisal', '1')
    .action(async (appraisers: string[], _: unknown, command: Command) =>
      (await actions()).makePanel(appraisers, command.optsWithGlobals<PanelFlags>()),
    )
  appraise
    .command('sign')
    .description('sign what an asset is worth; prints JSON for `record`')
    .argument('<asset>', 'its id')
    .argument('<value>', 'in whole units')
    .requiredOption('--panel <number>', 'the panel it is given to')
    .requiredOption('--curve <number>', 'depreciation from now on')
    .option('--valid <time>', 'how long it counts as fresh', '180d')
    .action(async (id: string, value: string, _: unknown, command: Command) =>
      (await actions()).sign({ id, value }, command.optsWithGlobals<AppraiseSignFlags>()),
    )
  appraise
    .command('evidence')
    .description('how much of an asset’s trailing revenue came from outside, by a gateway; signs it if asked')
    .argument('<panel>', 'the evidence panel')
    .argument('<asset>', 'its id')
    .option('--since <time>', 'how far back to look, 100d at most', '30d')
    .option('--related <wallet-or-address...>', 'more accounts that belong to its owner or operator')
    .option('--sign', 'sign the amount for the panel; prints JSON for `record`')
    .option('--curve <number>', 'depreciation from now on; needed to sign')
    .option('--valid <time>', 'how long it counts as fresh', '30d')
    .action(async (panel: string, id: string, _: unknown, command: Command) =>
      (await import('./appraiseEvidence.ts')).evidence(
        { panel, id },
        command.optsWithGlobals<AppraiseEvidenceFlags>(),
      ),
    )
  appraise
    .command('record')
    .description('record the median of signed appraisals; anyone may')
    .argument('<file...>', 'what `sign` printed')
    .action(async (files: string[], _: unknown, command: Command) =>
      (await actions()).record(files, command.optsWithGlobals<GlobalFlags>()),
    )
  appraise
    .command('show')
    .description('what a panel says of an asset')
    .argument('<asset>', 'its id')
    .requiredOption('--panel <number>', 'the panel')
    .action(async (id: string, _: unknown, command: Command) =>
      (await actions()).show(id, command.optsWithGlobals<ShowAppraisalFlags>()),
    )
}
