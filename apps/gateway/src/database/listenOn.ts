import pg from 'pg'

const RETRY_MS = { first: 100, most: 5_000 }

/**
 * Listens to `channel` on a connection of its own, and goes on with a new one when it is lost: what was said in between is missed.
 * Returns how to stop.
 * @throws the driver's error if the first connection cannot be made
 */
export async function listenOn(
  settings: pg.ClientConfig,
  channel: string,
  heard: (payload: string) => void,
): Promise<() => Promise<void>> {
  let client: pg.Client
  let stopped = false
  let retry: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client(settings)
    let over = false
    const lost = () => {
      if (over) return
      over = true
      next.end().catch(() => {})
      again(RETRY_MS.first)
    }
    next.on('notification', (message) => {
      if (!stopped && message.channel === channel) heard(message.payload ?? '')
    })
    // Without a listener of its own an error here would end the process.
    next.on('error', () => {})
    try {
      await next.connect()
      await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      next.end().catch(() => {})
      throw error
    }
    next.on('error', lost)
    next.on('end', lost)
    client = next
  }

  function again(delayMs: number): void {
    if (stopped) return
    retry = setTimeout(() => {
      connect().then(
        () => {
          if (stopped) client.end().catch(() => {})
        },
        () => again(Math.min(delayMs * 2, RETRY_MS.most)),
      )
    }, delayMs)
  }

  await connect()
  return async () => {
    stopped = true
    clearTimeout(retry)
    await client.end().catch(() => {})
  }
}
