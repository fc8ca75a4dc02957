/** Options that every command takes. */
export interface GlobalFlags {
  readonly json?: boolean
  readonly network?: string
  readonly wallet?: string
  readonly gateway?: readonly string[]
  readonly rpcUrl?: string
  readonly passphraseFile?: string
}
