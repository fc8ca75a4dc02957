import type { Message } from '@a2a-js/sdk'
import { closingFetch } from '../buyer/closingFetch.ts'
import type { AgentClient } from './createAgentPayer.ts'
import { a2aKeys, roles } from './extension.ts'
import { textPart } from './priceAgent.ts'

/**
 * Makes the `fetch` by which `askToClose` asks an agent of A2A to end a channel: a message with the wish in its metadata, which an agent of
 * `priceAgent` answers with its consent. One that does not know the wish asks to be paid for the message, and that is all.
 *
 * @param client A client that is connected, with the extension of x402 active where the agent's card requires it.
 * @example
 * const agreed = await askToClose({ channels, channel, url: agent, until, fetch: agentClosingFetch(client) })
 */
export const agentClosingFetch = (client: AgentClient): typeof globalThis.fetch =>
  closingFetch(async (wish) => {
    const message: Message = {
      messageId: crypto.randomUUID(),
      ...{ contextId: '', taskId: '', role: roles.user, parts: [textPart('End the payment channel.')] },
      metadata: { [a2aKeys.close]: wish },
      ...{ extensions: [], referenceTaskIds: [] },
    }
    const answer = await client.sendMessage({
      ...{ tenant: '', message, configuration: undefined, metadata: undefined },
    })
    return 'status' in answer ? answer.status?.message?.metadata?.[a2aKeys.closed] : null
  })
