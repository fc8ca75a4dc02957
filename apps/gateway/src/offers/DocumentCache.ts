/** Offers' documents by id, the least used forgotten once they fill their share of memory. An id's document never changes. */
export class DocumentCache {
  readonly #documents = new Map<string, string>()
  readonly #maxCharacters: number
  #characters = 0

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters
  }

  get(id: string): string | undefined {
    const document = this.#documents.get(id)
    if (document === undefined) return undefined
    this.#documents.delete(id)
    this.#documents.set(id, document)
    return document
  }

  set(id: string, document: string): void {
    if (this.#documents.has(id)) return
    this.#documents.set(id, document)
    this.#characters += document.length
    for (const [oldest, text] of this.#documents) {
      if (this.#characters <= this.#maxCharacters) return
      this.#documents.delete(oldest)
      this.#characters -= text.length
    }
  }
}
