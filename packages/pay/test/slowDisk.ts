import type { SellerScheme } from '../src/index.ts'

/** A scheme whose writes a test ends: those for what was asked ahead of the disk come with the reservation, others are waited for. */
export interface SlowDisk {
  readonly scheme: SellerScheme
  /** Whether a write is under way. */
  writing(): boolean
  /** Ends the write of what is held, which the disk has long done: well, or as it would by a full disk. */
  end(error?: Error): void
}

/** The same way to be paid, on a disk that takes as long as it is told. */
export function slowDisk(scheme: SellerScheme): SlowDisk {
  let write: ((error?: Error) => void) | undefined
  return {
    writing: () => write !== undefined,
    end(error) {
      write?.(error)
      write = undefined
    },
    scheme: {
      ...scheme,
      async reserve(payment, context) {
        const reservation = await scheme.reserve(payment, context)
        await reservation.kept
        const kept = new Promise<void>((resolve, reject) => {
          write = (error) => (error === undefined ? resolve() : reject(error))
        })
        kept.catch(() => undefined)
        if (context.ahead === true) return Object.assign(reservation, { kept })
        try {
          await kept
        } catch (error) {
          await reservation.release('the disk does not take it')
          throw error
        }
        return reservation
      },
    },
  }
}
