import {
  type Channel,
  type ChannelAuthorization,
  confirm,
  type Deployment,
  getChannel,
  hashChannel,
  openChannelWithAuthorization,
  RevertError,
  topUpChannelWithAuthorization,
  type WriteClient,
} from '@millrace/sdk'

/** What `fundChannel` takes. */
export interface FundChannelParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  readonly authorization: ChannelAuthorization
}

/**
 * Sends a payer's authorization that opens or tops up a channel, and waits until it is on chain. Sent twice, or by two, the
 * money still arrives once.
 *
 * @param client A viem client whose account has gas money.
 * @param parameters Deployment, channel and authorization.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const ledger = await openLedger({ ...options, fund: (channel, authorization) => fundChannel(client, { deployment, channel, authorization }) })
 */
export async function fundChannel(client: WriteClient, parameters: FundChannelParameters): Promise<void> {
  const { deployment, channel, authorization } = parameters
  const id = hashChannel(channel, deployment)
  const before = await getChannel(client, { deployment, channel: id })
  const send = before.state === 'none' ? openChannelWithAuthorization : topUpChannelWithAuthorization
  try {
    await confirm(client, await send(client, { deployment, channel, authorization }))
  } catch (error) {
    // Sent before, by us or by another: then the money is there.
    const now = await getChannel(client, { deployment, channel: id })
    if (!(error instanceof RevertError) || now.deposit <= before.deposit) throw error
  }
}
