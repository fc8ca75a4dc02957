/** What a handler reads of a web request, so that a server need not build a whole one. Every `Request` is one. */
export interface CallRequest {
  readonly method: string
  /** Absolute. */
  readonly url: string
  readonly headers: { get(name: string): string | null }
  readonly body: AsyncIterable<Uint8Array> | null
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
}
