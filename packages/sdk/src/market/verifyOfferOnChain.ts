import { type Hash, isAddressEqual, zeroAddress } from 'viem'
import { verifySignature } from '../accounts/verifySignature.ts'
import type { Deployment } from '../deployments/deployment.ts'
import {
  CurrencyMismatchError,
  NotAssetOperatorError,
  OfferCancelledError,
  OfferTakenError,
} from '../errors/market.ts'
import { assetsAbi } from '../generated/assets.ts'
import { marketAbi } from '../generated/market.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import { getLease } from './getLease.ts'
import type { PublishedOffer } from './offer.ts'
import { verifyOffer } from './verifyOffer.ts'

/**
 * Makes every check of an offer (protocol §2): those of `verifyOffer`, and with the chain that the signature is the
 * operator's (an account or a contract), that it runs the asset, that the currency is the asset's, that the nonce is
 * not cancelled and that no lease was opened on it.
 *
 * @param client A viem client of the chain.
 * @param published The offer as it came, read by `publishedOfferSchema`.
 * @param options Deployment, and the time in Unix seconds.
 * @returns The offer's id.
 * @throws What `verifyOffer` throws; NotAssetOperatorError | CurrencyMismatchError | OfferCancelledError |
 * OfferTakenError; RevertError if no such asset is registered; ChainUnreachableError.
 * @example
 * const id = await verifyOfferOnChain(client, published, { deployment, now })
 */
export async function verifyOfferOnChain(
  client: ReadClient,
  published: PublishedOffer,
  options: { readonly deployment: Deployment; readonly now: number },
): Promise<Hash> {
  const { deployment, now } = options
  const { offer, operator, currency, signature } = published
  const id = await verifyOffer(published, { ...deployment, now, signature: 'skip' })
  const assets = { address: deployment.assets, abi: assetsAbi } as const
  const [, actualOperator, actualCurrency, cancelled, lease] = await Promise.all([
    verifySignature(client, { what: 'offer', signer: operator, hash: id, signature }),
    read(client, { ...assets, functionName: 'operatorOf', args: [offer.asset] }),
    read(client, { ...assets, functionName: 'currencyOf', args: [offer.asset] }),
    read(client, {
      address: deployment.market,
      abi: marketAbi,
      functionName: 'isCancelled',
      args: [operator, offer.nonce],
    }),
    getLease(client, { deployment, lease: id }),
  ])
  const { asset, nonce } = offer
  if (isAddressEqual(actualOperator, zeroAddress) || !isAddressEqual(actualOperator, operator))
    throw new NotAssetOperatorError({ asset, operator, actual: actualOperator })
  if (!isAddressEqual(actualCurrency, currency))
    throw new CurrencyMismatchError({ asset, currency, actual: actualCurrency })
  if (cancelled) throw new OfferCancelledError({ operator, nonce })
  if (lease !== null) throw new OfferTakenError({ lease: id })
  return id
}
