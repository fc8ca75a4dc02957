/** What a person wants run: a command line, or a task file. */
export interface Task {
  readonly name: string
  /** Folder that is sent along, absolute; `null` for none. */
  readonly workdir: string | null
  readonly setup: string | null
  readonly run: string
  readonly envs: Readonly<Record<string, string>>
  readonly outputs: readonly string[]
  readonly needs: Needs
}

/** What a machine must have; what is absent does not matter. */
export interface Needs {
  readonly cpus: number | null
  readonly memoryMiB: number | null
  readonly diskMiB: number | null
  /** One of these kinds; an empty list for no GPU needed. */
  readonly gpus: readonly { readonly name: string | null; readonly count: number }[]
  readonly network: 'none' | 'public'
  readonly region: string | null
  /** Most per hour, in whole units of the currency, as text. */
  readonly maxPrice: string | null
}

export const noNeeds: Needs = {
  cpus: null,
  memoryMiB: null,
  diskMiB: null,
  gpus: [],
  network: 'none',
  region: null,
  maxPrice: null,
}
