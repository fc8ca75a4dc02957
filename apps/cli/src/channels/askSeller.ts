import { ClientFactory, ServiceParameters, withA2AExtensions } from '@a2a-js/sdk/client'
import { type AskedClose, askToClose, type ChannelWallet, CloseRefusedError } from '@millrace/pay'
import { a2aExtensionUri, agentClosingFetch } from '@millrace/pay/a2a'
import { toolClosingFetch } from '@millrace/pay/mcp'
import type { Channel } from '@millrace/sdk'
import { type NamedServers, withTools } from '../mcp/connectTools.ts'

/** A wish to end a channel, before it is known how its seller can be asked. */
export interface SellerWish {
  readonly channels: Pick<ChannelWallet, 'end'>
  readonly channel: Channel
  /** What was paid for last: `GET https://…`. */
  readonly service: string
  /** Last second at which the seller's signature is to be good. */
  readonly until: number
  /** Servers of tools that are started by a command. */
  readonly servers: NamedServers
}

/**
 * Asks a seller to end a channel, in the transport in which it sells: by HTTP; where it does not know the wish there, as a server of MCP, if
 * a tool was paid, or as an agent of A2A, if it has a card.
 *
 * @throws CloseRefusedError, ToolServerDownError, and what the transports throw
 */
export async function askSeller(wish: SellerWish): Promise<AskedClose> {
  const { channels, channel, service, until, servers } = wish
  const [method = '', url = ''] = service.split(' ')
  const asking = { channels, channel, url, method, until, send: true }
  const { server, tool } = readTool(url)
  const isNamed = server !== null && servers.has(server)
  let refusal: CloseRefusedError
  try {
    if (isNamed) return await askTools(server)
    return await askToClose(asking)
  } catch (error) {
    // A seller that knows the wish says why not, in a code.
    if (!(error instanceof CloseRefusedError) || isNamed || isCoded(error)) throw error
    refusal = error
  }
  if (server !== null) return askTools(server)
  const agent = await new ClientFactory().createFromUrl(url).catch(() => null)
  if (agent === null) throw refusal
  const serviceParameters = ServiceParameters.create(withA2AExtensions(a2aExtensionUri))
  const client: Parameters<typeof agentClosingFetch>[0] = {
    sendMessage: (params) => agent.sendMessage(params, { serviceParameters }),
  }
  return askToClose({ ...asking, fetch: agentClosingFetch(client) })

  function askTools(place: string): Promise<AskedClose> {
    const named = tool === null ? {} : { tool }
    return withTools(place, servers, (client) =>
      askToClose({ ...asking, fetch: toolClosingFetch(client, named) }),
    )
  }
}

const isCoded = ({ details }: CloseRefusedError) =>
  /^[A-Z_]+: /.test(String((details as { readonly reason?: unknown } | undefined)?.reason))

/** The server and the tool that an address of a paid tool stands for, as `createToolPayer` writes it. */
function readTool(url: string): { readonly server: string | null; readonly tool: string | null } {
  const [, base, tool] = /^(https?:\/\/.+)\/tools\/([^/?#]+)$/.exec(url) ?? []
  if (base === undefined || tool === undefined) return { server: null, tool: null }
  const [, name] = /^http:\/\/mcp\.invalid\/([^/]+)$/.exec(base) ?? []
  return { server: name === undefined ? base : decodeURIComponent(name), tool: decodeURIComponent(tool) }
}
