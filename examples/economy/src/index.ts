export { type Audit, audit } from './audit.ts'
export { type Economy, runEconomy } from './economy.ts'
export { quote } from './openMarketMaker.ts'
