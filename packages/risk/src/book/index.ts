export { SimulationError } from './SimulationError.ts'
export { type SimulateBookOptions, simulateBook } from './simulateBook.ts'
