// ABIs and creation code of the contracts, for programs that read logs or deploy by themselves. They stand apart from the
// package's main entry because most programs never need them.
export { assetsAbi, assetsBytecode } from './generated/assets.ts'
export { channelsAbi, channelsBytecode } from './generated/channels.ts'
export { debtAbi } from './generated/debt.ts'
export { marketAbi, marketBytecode } from './generated/market.ts'
export { testDollarAbi, testDollarBytecode } from './generated/testDollar.ts'
export { tillAbi, tillBytecode } from './generated/till.ts'
