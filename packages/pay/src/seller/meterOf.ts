import { MeterMissingError } from './errors.ts'
import type { Metered, MeterUnits } from './metered.ts'
import { meterTokens } from './meterTokens.ts'

/** Units that seller and buyer count alike without being told how. */
export const knownMeters: ReadonlyMap<string, MeterUnits> = new Map([['token', meterTokens]])

/**
 * What counts the units of a price; null where it is by the second or the byte.
 *
 * @throws MeterMissingError
 */
export function meterOf({ per, meter }: Metered): MeterUnits | null {
  if (per === 'second' || per === 'byte') return null
  const found = meter ?? knownMeters.get(per)
  if (found === undefined) throw new MeterMissingError({ unit: per })
  return found
}
