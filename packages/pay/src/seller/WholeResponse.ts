/**
 * An answer whose bytes are at hand. It is like any other, but makes no stream unless somebody asks for one: Node makes one for every body,
 * which costs a seller as much as the check of a signature, and who writes the answer to a socket needs the bytes.
 */
export class WholeResponse extends Response {
  readonly #bytes: Uint8Array<ArrayBuffer>
  /** Of what Node makes, once somebody asks for it. */
  #opened: Response | null = null

  constructor(bytes: Uint8Array<ArrayBuffer>, init: ResponseInit) {
    super(null, init)
    this.#bytes = bytes
  }

  /** The bytes, for who writes them in place of the body; null where that is being read otherwise. */
  static bytesOf(response: Response): Uint8Array<ArrayBuffer> | null {
    return #bytes in response && response.#opened === null ? response.#bytes : null
  }

  #open(): Response {
    this.#opened ??= new Response(this.#bytes, { headers: this.headers })
    return this.#opened
  }

  override get body() {
    return this.#open().body
  }
  override get bodyUsed() {
    return this.#opened?.bodyUsed ?? false
  }
  override arrayBuffer() {
    return this.#open().arrayBuffer()
  }
  override blob() {
    return this.#open().blob()
  }
  override bytes() {
    return this.#open().bytes()
  }
  override clone(): Response {
    const { status, statusText, headers } = this
    return this.#opened === null
      ? new WholeResponse(this.#bytes, { status, statusText, headers })
      : new Response(this.#opened.clone().body, { status, statusText, headers })
  }
  override formData() {
    return this.#open().formData()
  }
  override json() {
    return this.#open().json()
  }
  override text() {
    return this.#open().text()
  }
}
