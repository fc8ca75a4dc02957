import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the command keeps what, below the home folder. */
export interface HomePaths {
  readonly home: string
  readonly config: string
  readonly wallets: string
  /** One file a wallet of agents: where it is, and the next ref of its agent. */
  readonly agents: string
  /** One folder a lease of ours: journal, log, outputs, receipt. */
  readonly leases: string
  /** One folder a payer: its budget and what it signed on channels. */
  readonly pay: string
  /** One folder a payee: its books of channels and its settlements. */
  readonly sell: string
  readonly network: NetworkPaths
}

/** The local network's files. */
export interface NetworkPaths {
  readonly root: string
  readonly state: string
  readonly supervisor: string
  readonly chain: string
  readonly gateway: string
  readonly deployer: string
  /** Key that pays the gas of x402 settlements. */
  readonly relayer: string
  readonly deployment: string
  readonly pid: (service: string) => string
  readonly log: (service: string) => string
}

/** All paths of `home`: what is given, else MILLRACE_HOME, else `~/.millrace`. */
export function homePaths(
  home: string = process.env.MILLRACE_HOME ?? join(homedir(), '.millrace'),
): HomePaths {
  const root = join(home, 'network')
  return {
    home,
    config: join(home, 'config.yaml'),
    wallets: join(home, 'wallets'),
    agents: join(home, 'agents'),
    leases: join(home, 'leases'),
    pay: join(home, 'pay'),
    sell: join(home, 'sell'),
    network: {
      root,
      state: join(root, 'state.json'),
      supervisor: join(root, 'up.pid'),
      chain: join(root, 'chain'),
      gateway: join(root, 'gateway'),
      deployer: join(root, 'deployer.key'),
      relayer: join(root, 'relayer.key'),
      deployment: join(root, 'deployment.json'),
      pid: (service) => join(root, `${service}.pid`),
      log: (service) => join(root, 'logs', `${service}.log`),
    },
  }
}
