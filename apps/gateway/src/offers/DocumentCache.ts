/** What is shown of an offer, as JSON. */
export interface OfferTexts {
  readonly document: string
  readonly challenge: string | null
}

/** What is shown of offers, the least used forgotten once they fill their share of memory. */
export class DocumentCache {
  readonly #documents = new Map<string, OfferTexts>()
  readonly #maxCharacters: number
  #characters = 0

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters
  }

  get(id: string): OfferTexts | undefined {
    const document = this.#documents.get(id)
    if (document === undefined) return undefined
    this.#documents.delete(id)
    this.#documents.set(id, document)
    return document
  }

  set(id: string, texts: OfferTexts): void {
    if (this.#documents.has(id)) return
    this.#documents.set(id, texts)
    this.#characters += sizeOf(texts)
    for (const [oldest, text] of this.#documents) {
      if (this.#characters <= this.#maxCharacters) return
      this.#documents.delete(oldest)
      this.#characters -= sizeOf(text)
    }
  }

  /** Forgets an offer whose texts have changed. */
  delete(id: string): void {
    const texts = this.#documents.get(id)
    if (texts === undefined) return
    this.#documents.delete(id)
    this.#characters -= sizeOf(texts)
  }
}

const sizeOf = ({ document, challenge }: OfferTexts) => document.length + (challenge?.length ?? 0)
