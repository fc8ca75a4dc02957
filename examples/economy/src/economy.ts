import { type Audit, audit } from './audit.ts'
import { createAgent } from './createAgent.ts'
import { openBuyer } from './openBuyer.ts'
import { openHost } from './openHost.ts'
import { openMarketMaker } from './openMarketMaker.ts'
import { openModelSeller } from './openModelSeller.ts'
import { openScraper } from './openScraper.ts'
import { openTrainer, type Trained } from './openTrainer.ts'
import { pause } from './pause.ts'
import { bookPayouts, payOut } from './payOut.ts'
import { closeTogether } from './sell.ts'
import { startNetwork } from './startNetwork.ts'

/** What came of it. */
export interface Economy {
  readonly seconds: number
  readonly pages: number
  /** Held-out loss of each training, in nats a token. */
  readonly trainings: readonly { readonly pages: number; readonly loss: number; readonly seconds: number }[]
  readonly completions: number
  readonly budgetSpent: boolean
  /** Leases of machine time that the desk bought, sold, and that its client hired. */
  readonly desk: { readonly bought: number; readonly sold: number }
  readonly audit: Audit
  readonly currency: { readonly symbol: string; readonly decimals: number }
}

const money = 2_000_000n
/** Seconds for which completions are sold at least, however long the first training took. */
const leastSelling = 6

/**
 * Six agents live on a local network of their own: a scraper sells pages, a trainer buys them and trains on a hired machine, a
 * seller serves the model on time hired from a market maker, who buys it from a host, and a buyer buys completions. In the
 * end all channels are closed, all tills pay, and everything is added up.
 *
 * @param options A folder for all that is kept, seconds, steps of a training, and a listener.
 * @throws CommandFailedError, BooksDifferError, DealFailedError
 */
export async function runEconomy(options: {
  readonly home: string
  readonly seconds: number
  readonly steps: number
  readonly budget: bigint
  readonly say?: (text: string) => void
}): Promise<Economy> {
  const { home, seconds, steps, budget, say = () => {} } = options
  say('Bringing up a local network …')
  const network = await startNetwork(home)
  try {
    const make = (name: string) => createAgent(network, name, money)
    const all = await Promise.all(['scraper', 'trainer', 'seller', 'buyer', 'maker', 'host'].map(make))
    const [ofScraper, ofTrainer, ofSeller, ofBuyer, ofMaker, ofHost] = all as [
      ...[
        (typeof all)[0],
        (typeof all)[0],
        (typeof all)[0],
        (typeof all)[0],
        (typeof all)[0],
        (typeof all)[0],
      ],
    ]
    const scraper = await openScraper(ofScraper)
    const trainer = await openTrainer(ofTrainer, { data: scraper.url, steps })
    const maker = await openMarketMaker(ofMaker)
    const host = await openHost(ofHost, { desk: maker.url, buyer: ofMaker.account.address })
    const seller = await openModelSeller(ofSeller, { desk: maker.url, data: scraper, model: trainer })
    const buyer = await openBuyer(ofBuyer, { service: seller.url, budget })

    say(`Six agents live for ${seconds} seconds …`)
    const end = new AbortController()
    const trainings: Trained[] = []
    const until = Date.now() + seconds * 1000
    /** Trains as long as there is time and money; what is better is sold. */
    const training = async () => {
      do {
        const trained = await trainer.train()
        if (trained === null) break
        const best = Math.min(...trainings.map(({ loss }) => loss))
        trainings.push(trained)
        say(
          `A model was trained on ${trained.pages} pages: held-out loss ${trained.loss.toFixed(3)}, ${trained.seconds} s of a machine.`,
        )
        if (!(trained.loss >= best)) await seller.serve(trained.model)
      } while (Date.now() + 20_000 < until)
      await pause(Math.max(leastSelling * 1000, until - Date.now()), end.signal)
      end.abort()
    }
    const lives = [training(), host.live(end.signal), seller.live(end.signal), buyer.live(end.signal)]
    try {
      await Promise.all(lives)
    } finally {
      end.abort()
      await Promise.allSettled(lives)
    }

    say('Closing channels and leases, and letting the tills pay …')
    await maker.close()
    await closeTogether(ofScraper, { ledger: scraper.ledger, payer: ofTrainer, purse: trainer.purse })
    await closeTogether(ofSeller, { ledger: seller.ledger, payer: ofBuyer, purse: buyer.purse })
    const first = [seller.asset, trainer.asset, scraper.asset]
    await payOut(ofScraper, [...first, maker.asset, host.asset, ...trainer.machines])
    for (const agent of all) await bookPayouts(agent)
    const result: Economy = {
      seconds,
      pages: scraper.sold(),
      trainings: trainings.map(({ pages, loss, seconds: lasted }) => ({ pages, loss, seconds: lasted })),
      completions: buyer.answers(),
      budgetSpent: buyer.spent(),
      desk: maker.deals(),
      audit: await audit(network, all),
      currency: network.currency,
    }
    for (const each of [buyer, seller, trainer, scraper]) await each.close()
    return result
  } finally {
    await network.stop()
  }
}
