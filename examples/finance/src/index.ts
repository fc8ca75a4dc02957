export { type Party, type Story, tellDefaulted, tellRepaid } from './stories.ts'
