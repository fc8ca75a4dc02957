import { createFlowNetwork } from './flowNetwork.ts'
import type { Ledger } from './ledger.ts'

/** Whose money, into which asset, when. */
export interface FundingQuestion {
  readonly asset: string
  /** Accounts of owner and operator and those that belong to them. What leaves the asset's own till counts as theirs too. */
  readonly related: readonly string[]
  /** Revenue from here on, in Unix seconds … */
  readonly from: number
  /** … and before here. */
  readonly to: number
  /** Seconds before the period in which money that left the related accounts is followed, and after it in which money that comes back is. */
  readonly lookback: number
  /**
   * An account that dealt with this many others, an exchange say, passes on related money in proportion to what of its income was. Infinity
   * follows all of it.
   */
  readonly hubDegree: number
  /** A hub of whose income a smaller share than this was related is a stranger: what it pays out is not followed. */
  readonly leastHubShare: number
}

/** One payment into the asset, and how much of it could have been related money. In the ledger's units. */
export interface FundedPayment {
  /** Index in the ledger. */
  readonly transfer: number
  readonly paid: number
  readonly funded: number
}

/** Money that went from a related account to a payment, or came back to its payer after it. */
export interface FundingPath {
  /** Index of the payment in the ledger. */
  readonly payment: number
  /** Indices of the transfers, in order, without the payment; empty where a related account paid itself. */
  readonly transfers: readonly number[]
  readonly units: number
  readonly way: 'paid by a related account' | 'funded before' | 'reimbursed after'
}

/** Follows money into one asset over one period, as the ledger grows. */
export interface FundingFlow {
  /** Reads what is new in the ledger; returns each payment with the most of it that can be related money, all at once. */
  readonly payments: () => readonly FundedPayment[]
  /** Takes the flow apart into paths: what each payment's funded part is made of. */
  readonly paths: () => readonly FundingPath[]
  /** Nodes and edges of the network. */
  readonly size: () => { readonly nodes: number; readonly edges: number }
}

interface Payment {
  readonly transfer: number
  readonly sinkEdge: number
  readonly node: number
}

/**
 * The most revenue of an asset that its operator could have paid itself: the largest flow from the related accounts to the payments through
 * the graph of transfers in time. Money can only be passed on after it came; each unit of it counts once; a payer that is
 * paid back later counts like one that was paid before. Nobody has to prove intent: honest money that merely could have come from the operator is
 * in the bound as well. Through hubs it is an estimate, see {@link FundingQuestion.hubDegree}.
 *
 * Each account is a chain of nodes, one for each time it received after having paid; an edge holds money from one to the next. Adding
 * transfers adds nodes and edges at the end, so the flow found before stands and the search goes on from it.
 *
 * Sources: volume matching of Victor and Weintraud (arXiv 2102.07001), as a largest flow over time after Ford and Fulkerson (1958); the
 * proportional rule at hubs is the "haircut" of Möser, Böhme and Breuker, *Towards risk scoring of Bitcoin transactions* (2014).
 *
 * @example
 * createFundingFlow(ledger, { asset: 'asset 7', related: ['0xowner'], from, to, lookback: 2_592_000, hubDegree: 64, leastHubShare: 0.05 }).payments()
 */
export function createFundingFlow(ledger: Ledger, question: FundingQuestion): FundingFlow {
  const asset = ledger.account(question.asset)
  const related = new Set(question.related.map(ledger.account))
  const start = question.from - question.lookback
  const end = question.to + question.lookback
  const network = createFlowNetwork()
  /** Index of the transfer that an edge stands for. */
  const transferOf = new Map<number, number>()
  const debtEdges = new Set<number>()
  const payments: Payment[] = []
  /** Newest node of each account that holds what may be related money; accounts that have paid since it received. */
  const holder = new Map<number, number>()
  const paidOut = new Set<number>()
  /** Node that stands for what an account paid and may be paid back. */
  const debts = new Map<number, number>()
  const income: number[] = []
  const relatedIncome: number[] = []
  // Incomes are counted from one look-back earlier on, so that a hub's share does not hang on its first days.
  const origins = start - question.lookback
  let cursor = ledger.firstAt(origins)

  const shareOf = (account: number): number => {
    if (account === asset || related.has(account)) return 1
    const all = income[account] ?? 0
    return all === 0 ? 0 : Math.min(1, (relatedIncome[account] ?? 0) / all)
  }
  const edge = (from: number, to: number, capacity: number, transfer: number): number => {
    const number = network.addEdge(from, to, capacity)
    transferOf.set(number, transfer)
    return number
  }
  /** Where related money of an account stands, and how much of a transfer it can be. */
  const origin = (account: number, transfer: number): { readonly node: number; readonly most: number } => {
    const units = ledger.unitsUp(transfer)
    if (account === asset || related.has(account)) return { node: 0, most: units }
    if (ledger.degreeOf(transfer) >= question.hubDegree) {
      const share = shareOf(account)
      return { node: 0, most: share < question.leastHubShare ? 0 : Math.ceil(units * share) }
    }
    return { node: holder.get(account) ?? -1, most: units }
  }
  const receive = (account: number): number => {
    const before = holder.get(account)
    if (before !== undefined && !paidOut.has(account)) return before
    const node = network.addNode()
    if (before !== undefined) network.addEdge(before, node, Number.POSITIVE_INFINITY)
    const debt = debts.get(account)
    if (debt !== undefined) debtEdges.add(network.addEdge(node, debt, Number.POSITIVE_INFINITY))
    holder.set(account, node)
    paidOut.delete(account)
    return node
  }
  const pay = (payer: number, transfer: number): void => {
    const node = network.addNode()
    const sinkEdge = network.addEdge(node, 1, ledger.unitsDown(transfer))
    payments.push({ transfer, sinkEdge, node })
    const { node: from, most } = origin(payer, transfer)
    if (from !== -1 && most > 0) network.addEdge(from, node, most)
    if (related.has(payer)) return
    paidOut.add(payer)
    // What comes later may pay this debt or an older one.
    const debt = network.addNode()
    network.addEdge(debt, node, Number.POSITIVE_INFINITY)
    const older = debts.get(payer)
    if (older !== undefined) network.addEdge(debt, older, Number.POSITIVE_INFINITY)
    debts.set(payer, debt)
  }
  const read = (transfer: number): void => {
    // The ledger may have been shorter when the cursor was set.
    if (ledger.timeOf(transfer) < origins) return
    const [from, to] = [ledger.fromOf(transfer), ledger.toOf(transfer)]
    const units = ledger.unitsUp(transfer)
    if (to === asset) {
      const time = ledger.timeOf(transfer)
      if (time >= question.from && time < question.to) pay(from, transfer)
      return
    }
    const share = shareOf(from)
    income[to] = (income[to] ?? 0) + units
    relatedIncome[to] = (relatedIncome[to] ?? 0) + units * share
    if (ledger.timeOf(transfer) < start || related.has(to) || from === to || units === 0) return
    const { node, most } = origin(from, transfer)
    if (node === -1 || most === 0) return
    edge(node, receive(to), most, transfer)
    if (node !== 0) paidOut.add(from)
  }
  const advance = (): void => {
    for (; cursor < ledger.size && ledger.timeOf(cursor) < end; cursor++) read(cursor)
    network.maximise()
  }

  return {
    size: () => ({ nodes: network.nodes, edges: network.edges }),
    payments: () => {
      advance()
      return payments.map(({ transfer, sinkEdge }) => ({
        transfer,
        paid: ledger.unitsDown(transfer),
        funded: network.flowOf(sinkEdge),
      }))
    },
    paths: () => {
      advance()
      const used = new Map<number, number>()
      const left = (number: number) => network.flowOf(number) - (used.get(number) ?? 0)
      /** Edges with flow that lead from the source to a node; there are some wherever flow arrives. */
      const trace = (node: number): readonly number[] => {
        const edges: number[] = []
        for (let at = node; at !== 0; ) {
          const back = network.into(at).find((number) => left(number) > 0)
          if (back === undefined) return []
          edges.unshift(back)
          at = network.fromOf(back)
        }
        return edges
      }
      return payments.flatMap(({ transfer, sinkEdge, node }) => {
        const found: FundingPath[] = []
        for (let open = network.flowOf(sinkEdge); open > 0; ) {
          const edges = trace(node)
          const units = edges.reduce((least, number) => Math.min(least, left(number)), open)
          if (edges.length === 0) break
          for (const number of edges) used.set(number, (used.get(number) ?? 0) + units)
          open -= units
          const transfers = edges.flatMap((number) => transferOf.get(number) ?? [])
          const late = edges.some((number) => debtEdges.has(number))
          const way = late
            ? 'reimbursed after'
            : transfers.length > 0
              ? 'funded before'
              : 'paid by a related account'
          found.push({ payment: transfer, transfers, units, way })
        }
        return found
      })
    },
  }
}
