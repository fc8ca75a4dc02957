import type { NumberField, TextField } from '@millrace/sdk'

/** Fields kept as numbers, one typed array each. `verified` is 0 or 1; not known is NaN. */
export const numberColumns = [
  'price',
  'num_gpus',
  'gpu_ram',
  'cpu_cores',
  'cpu_ram',
  'disk',
  'reliability',
  'duration',
  'verified',
] as const satisfies readonly (NumberField | 'verified')[]

/** Fields kept as codes of a dictionary. `buyer` is not of the query language: it hides offers made for one buyer. */
export const textColumns = [
  'gpu_name',
  'region',
  'network',
  'runner',
  'arch',
  'operator',
  'asset',
  'buyer',
] as const satisfies readonly (TextField | 'buyer')[]

/** A field of `numberColumns`. */
export type NumberColumn = (typeof numberColumns)[number]
/** A field of `textColumns`. */
export type TextColumn = (typeof textColumns)[number]

/** Place of a column among its kind. */
export const numberAt = Object.fromEntries(numberColumns.map((name, at) => [name, at])) as Record<
  NumberColumn,
  number
>
/** Place of a column among its kind. */
export const textAt = Object.fromEntries(textColumns.map((name, at) => [name, at])) as Record<
  TextColumn,
  number
>
