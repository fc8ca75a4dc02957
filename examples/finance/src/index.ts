export type { Party } from './leave.ts'
export { type Story, tellDefaulted, tellRepaid } from './stories.ts'
