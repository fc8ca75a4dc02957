/** An answer of the gateway: its status and its JSON, unchecked. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly body: any
  readonly headers: Headers
}

/** Asks a gateway; a body makes it a POST. */
export async function ask(url: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(
    `${url}${path}`,
    body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        },
  )
  const text = await response.text()
  return {
    status: response.status,
    body: text.startsWith('{') ? JSON.parse(text) : text,
    headers: response.headers,
  }
}
