/** The fields a query knows, in the order they are shown, with the kind of their values. */
export const queryFields = {
  gpu_name: 'text',
  num_gpus: 'number',
  gpu_ram: 'number',
  cpu_cores: 'number',
  cpu_ram: 'number',
  disk: 'number',
  price: 'number',
  region: 'text',
  network: 'text',
  runner: 'text',
  arch: 'text',
  reliability: 'number',
  duration: 'number',
  verified: 'boolean',
  asset: 'text',
  operator: 'text',
  id: 'text',
} as const satisfies Record<string, 'text' | 'number' | 'boolean'>

/** Name of a field. */
export type QueryField = keyof typeof queryFields
type FieldOf<kind> = {
  [field in QueryField]: (typeof queryFields)[field] extends kind ? field : never
}[QueryField]
/** Fields whose values are numbers. */
export type NumberField = FieldOf<'number'>
/** Fields whose values are words. */
export type TextField = FieldOf<'text'>
/** Fields that are true or false. */
export type BooleanField = FieldOf<'boolean'>

/**
 * What a query is held against: one offer, in the units of the query language. `gpu_ram`, `cpu_ram` and `disk` in GiB,
 * `price` in whole currency units per hour, `duration` in hours, `reliability` from 0 to 1. `null` where nothing is known.
 */
export type OfferRow = { readonly [field in NumberField]: number | null } & {
  readonly [field in TextField]: string | null
} & { readonly [field in BooleanField]: boolean }

/**
 * The form in which words are compared: lower case, and a space for every `_`.
 *
 * @param value A word of a query or of an offer.
 * @returns The form to compare.
 * @example
 * normaliseText('RTX_4090') // 'rtx 4090'
 */
export function normaliseText(value: string): string {
  return value.toLowerCase().replaceAll('_', ' ')
}
