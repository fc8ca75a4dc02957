/**
 * Exit codes of `millrace`. They start at 64, where the system's own conventions (sysexits) start, so that the code of
 * a job, which `millrace run` passes on, is not mistaken for one of ours.
 */
export const exitCodes = {
  /** Done. */
  ok: 0,
  /** The command line or a task file is wrong. */
  usage: 64,
  /** Input of another kind is wrong: a file, an answer of a peer. */
  data: 65,
  /** What was asked for does not exist: a lease, a wallet, an asset, a matching offer. */
  missing: 66,
  /** Something this needs does not answer: the network, a gateway, a node, an RPC. */
  unavailable: 69,
  /** A defect of Millrace itself. */
  internal: 70,
  /** Not enough money, or a limit that was set would be passed. */
  money: 71,
  /** A file cannot be read or written. */
  files: 74,
  /** It may work later; nothing was lost. */
  later: 75,
  /** Refused: by the person who was asked, by a rule, by the chain. */
  refused: 77,
  /** The configuration is wrong. */
  config: 78,
  /** The job was ended before it finished: its lease ran out, a limit was reached, the machine was lost. */
  jobLost: 79,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
