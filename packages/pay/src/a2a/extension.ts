/** The extension by which agents of A2A are paid. A client activates it by its URI in the header `A2A-Extensions`. */
export const a2aExtensionUri = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2'

/** Where payment stands in the metadata of messages. */
export const a2aKeys = {
  status: 'x402.payment.status',
  required: 'x402.payment.required',
  payload: 'x402.payment.payload',
  receipts: 'x402.payment.receipts',
  error: 'x402.payment.error',
  /** Ours: the seller's signed receipt, as in header `Millrace-Receipt`. */
  receipt: 'millrace.receipt',
  /** Ours: set where the same payment is to be sent again, for its outcome is not known yet. */
  pending: 'millrace.pending',
  /** Ours: the wish to end a channel, as in header `Millrace-Close`, and what is said of it. */
  close: 'millrace.close',
  closed: 'millrace.closed',
} as const

/**
 * What an agent's card says of payment: an entry of `capabilities.extensions`.
 *
 * @param options Whether clients that do not know it are turned away; they are by default.
 * @see https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2/spec.md
 * @example
 * const card = { ...plain, capabilities: { extensions: [a2aExtension()] } }
 */
export const a2aExtension = (options: { readonly required?: boolean } = {}) => ({
  uri: a2aExtensionUri,
  description: 'Skills are paid for by x402: once, up to a ceiling, or on a channel.',
  required: options.required ?? true,
  params: undefined,
})

/** Numbers of the states and roles of A2A 1.0, as its SDK has them. */
export const taskStates = { completed: 3, failed: 4, canceled: 5, inputRequired: 6 } as const
export const roles = { user: 1, agent: 2 } as const
