export { x402Contracts } from './contracts.ts'
export { placeX402Contracts } from './placeX402Contracts.ts'
