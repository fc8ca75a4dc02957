import { canonicalJson, hashCanonical } from '@millrace/sdk'
import { type Address, type Hex, isAddressEqual, parseTransaction } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Sender } from '../chain/sender.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import type { Log } from '../start/log.ts'
import { AssetCurrencyError, OperatorChangedError, RegistrationMissingError } from './errors.ts'

export interface RegisterOptions {
  readonly chain: NodeChain
  readonly sender: Sender
  readonly journal: NodeJournal
  readonly device: Address
  readonly currency: Address
  /** What the asset's description says of the machine; its hash goes on chain. */
  readonly description: unknown
  readonly log: Log
}

/**
 * The asset of this machine: registered on the first start, found again on every other, and its device key set on chain.
 * Whatever was killed in between, one machine becomes one asset: the signed transaction is noted before it leaves, and
 * with the journal lost the chain is searched for an asset with this machine's device key.
 * Throws `OperatorChangedError`, `AssetCurrencyError`, the sender's errors and viem's.
 */
export async function registerMachine(options: RegisterOptions): Promise<bigint> {
  const { chain, sender, journal, device, currency, log } = options
  const id = (await known(options)) ?? (await register(options))
  const asset = await chain.asset(id)
  if (!isAddressEqual(asset.operator, sender.address)) {
    throw new OperatorChangedError({ asset: id, operator: asset.operator, ours: sender.address })
  }
  if (!isAddressEqual(asset.currency, currency)) {
    throw new AssetCurrencyError({ asset: id, currency: asset.currency, configured: currency })
  }
  if (!isAddressEqual(asset.device, device)) {
    await sender.send(chain.calls.setDevice(id, device))
    log.info({ event: 'asset.device-set', asset: String(id), device })
  }
  if (journal.state.asset !== String(id)) {
    await journal.note({ type: 'asset.registered', asset: String(id) })
    log.info({ event: 'asset.registered', asset: String(id) })
  }
  return id
}

/** Notes a registration before it leaves. One with a higher fee takes its place: they share a nonce, so one is mined. */
function noteIn(journal: NodeJournal) {
  return (transaction: { hash: Hex; raw: Hex }) => journal.note({ type: 'asset.registering', ...transaction })
}

/** The asset that was registered before, or `null`. */
async function known({ chain, sender, journal, device, log }: RegisterOptions): Promise<bigint | null> {
  const { asset, registering } = journal.state
  if (asset !== null) return BigInt(asset)
  if (registering !== null) {
    log.info({ event: 'asset.resuming', transaction: registering.hash })
    const before = noteIn(journal)
    try {
      const receipt = await sender.resend(registering, 'register this machine', { before })
      const id = chain.registeredIn(receipt)
      if (id !== null) return id
    } catch (error) {
      const { nonce = 0 } = parseTransaction(registering.raw)
      const mined = await chain.client.getTransactionCount({ address: sender.address })
      // While it could still be mined, a second registration could become a second asset.
      if (mined <= nonce) throw error
      log.warn({ event: 'asset.resume-failed', transaction: registering.hash })
    }
  }
  const candidates = await chain.registeredBy(sender.address)
  for (const candidate of [...candidates].reverse()) {
    if (isAddressEqual(candidate.device, device)) return candidate.id
  }
  return null
}

async function register(options: RegisterOptions): Promise<bigint> {
  const { chain, sender, journal, device, currency, description } = options
  const uri = `data:application/json,${encodeURIComponent(canonicalJson(description))}`
  const call = chain.calls.register(
    sender.address,
    sender.address,
    device,
    currency,
    hashCanonical(description) as Hex,
    uri,
  )
  const receipt = await sender.send(call, { before: noteIn(journal) })
  const id = chain.registeredIn(receipt)
  // The call returned without reverting, so the event is there; anything else is not our contract.
  if (id === null) throw new RegistrationMissingError({ hash: receipt.transactionHash })
  return id
}
