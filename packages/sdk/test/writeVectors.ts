// Writes vectors/{offers,channels,receipts,canonical,query}.json, the golden files that tests of every language read. Run it only
// when a format changes on purpose: node --conditions=source --import tsx packages/sdk/test/writeVectors.ts
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { mnemonicToAccount } from 'viem/accounts'
import {
  authorizationNonce,
  type Channel,
  canonicalJson,
  channelToJson,
  createTickChain,
  hashCanonical,
  hashChannel,
  hashClose,
  hashOffer,
  hashOpen,
  hashReceipt,
  hashSpec,
  hashVoucher,
  hashWithdraw,
  MillraceError,
  type Offer,
  parseOrder,
  parseQuery,
  QueryError,
  type Receipt,
  receiptToJson,
  signClose,
  signOffer,
  signOpen,
  signReceipt,
  signStart,
  signVoucher,
  signWithdraw,
  type Voucher,
  voucherToJson,
} from '../src/index.ts'
import { spec } from './fixtures.ts'

const folder = fileURLToPath(new URL('../../../vectors/', import.meta.url))
const mnemonic = 'test test test test test test test test test test test junk'
const account = (addressIndex: number) => mnemonicToAccount(mnemonic, { addressIndex })
const domain = { chainId: 31337, market: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const
const zero = `0x${'00'.repeat(32)}` as const
const full = `0x${'ff'.repeat(32)}` as const

const write = (name: string, value: unknown) => {
  mkdirSync(folder, { recursive: true })
  const text = JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? item.toString() : item), 2)
  writeFileSync(`${folder}${name}.json`, `${text}\n`)
}

const plain: Offer = {
  asset: 1n,
  buyer: '0x0000000000000000000000000000000000000000',
  pricePerHour: 360_000n,
  bond: 0n,
  minDuration: 60,
  maxDuration: 86_400,
  startWindow: 60,
  expiry: 1_790_000_000,
  spec: hashSpec(spec),
  terms: zero,
  nonce: 5n,
}
const offers: [string, Offer][] = [
  ['plain', plain],
  [
    'for one buyer, with bond and terms',
    { ...plain, buyer: account(3).address, bond: 1_000_000n, terms: full },
  ],
  ['free, in a later series', { ...plain, pricePerHour: 0n, nonce: (3n << 192n) | 77n }],
  [
    'every field at its largest',
    {
      asset: 2n ** 256n - 1n,
      buyer: '0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF',
      pricePerHour: 2n ** 128n - 1n,
      bond: 2n ** 128n - 1n,
      minDuration: 2 ** 40 - 1,
      maxDuration: 2 ** 40 - 1,
      startWindow: 2 ** 40 - 1,
      expiry: 2 ** 40 - 1,
      spec: full,
      terms: full,
      nonce: 2n ** 256n - 1n,
    },
  ],
]
write('offers', {
  ...domain,
  operator: account(1).address,
  device: account(2).address,
  spec: { value: spec, json: canonicalJson(spec), hash: hashSpec(spec) },
  offers: await Promise.all(
    offers.map(async ([name, offer]) => {
      const id = hashOffer(offer, domain)
      const withdrawal = { offer: id, at: 1_789_999_000 }
      return {
        name,
        offer,
        id,
        signature: await signOffer(account(1), offer, domain),
        start: await signStart(account(2), id, domain),
        withdrawal: {
          at: withdrawal.at,
          digest: hashWithdraw(withdrawal, domain),
          signature: await signWithdraw(account(1), withdrawal, domain),
        },
      }
    }),
  ),
})

const channelsDomain = { chainId: 31337, channels: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512' } as const
const noOne = '0x0000000000000000000000000000000000000000'
const toAccount: Channel = {
  payer: account(3).address,
  signer: account(4).address,
  payee: account(5).address,
  asset: 0n,
  currency: account(6).address,
  closeDelay: 86_400,
  salt: zero,
}
const channelList: [string, Channel][] = [
  ['to an account', toAccount],
  ['to an asset', { ...toAccount, payee: noOne, asset: 7n, closeDelay: 900, salt: full }],
  [
    'every field at its largest',
    {
      payer: '0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF',
      signer: account(4).address,
      payee: '0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF',
      asset: 2n ** 256n - 1n,
      currency: '0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF',
      closeDelay: 2 ** 40 - 1,
      salt: full,
    },
  ],
]
const chain = createTickChain(full, 100)
const vouchersOf = (channel: `0x${string}`): Voucher[] => [
  { channel, epoch: 0n, cumulative: 1n, anchor: zero, tickPrice: 0n, maxTicks: 0, terms: zero },
  {
    channel,
    epoch: 3n,
    cumulative: 1_000_000n,
    anchor: chain.anchor,
    tickPrice: 25n,
    maxTicks: 100,
    terms: hashCanonical({ price: '25' }),
  },
  {
    channel,
    epoch: 2n ** 64n - 1n,
    cumulative: 2n ** 128n - 1n,
    anchor: full,
    tickPrice: 2n ** 64n - 1n,
    maxTicks: 2 ** 32 - 1,
    terms: full,
  },
]
write('channels', {
  ...channelsDomain,
  signer: account(4).address,
  list: await Promise.all(
    channelList.map(async ([name, channel]) => {
      const id = hashChannel(channel, channelsDomain)
      const opening = { channel: id, epoch: 1n, amount: 5_000_000n, deadline: 1_790_000_000 }
      const closing = { channel: id, epoch: 2n, claimed: 3_000_000n, deadline: 1_790_000_000 }
      const purpose = { channel: id, epoch: 4n, salt: hashCanonical(name) }
      return {
        name,
        channel: channelToJson(channel),
        id,
        vouchers: await Promise.all(
          vouchersOf(id).map(async (voucher) => ({
            voucher: voucherToJson(voucher),
            digest: hashVoucher(voucher, channelsDomain),
            signature: await signVoucher(account(4), voucher, channelsDomain),
          })),
        ),
        open: {
          ...opening,
          digest: hashOpen(opening, channelsDomain),
          signature: await signOpen(account(3), opening, channelsDomain),
        },
        close: {
          ...closing,
          digest: hashClose(closing, channelsDomain),
          signature: await signClose(account(5), closing, channelsDomain),
        },
        authorization: { ...purpose, nonce: authorizationNonce(purpose, channelsDomain) },
      }
    }),
  ),
  ticks: {
    secret: full,
    length: chain.length,
    anchor: chain.anchor,
    words: [1, 2, 37, 99, 100].map((ticks) => ({ ticks, word: chain.word(ticks) })),
  },
})

const receipt: Receipt = {
  lease: hashOffer(plain, domain),
  asset: 1n,
  buyer: account(3).address,
  device: account(2).address,
  job: hashCanonical({ job: 'train' }),
  outputs: full,
  log: hashCanonical('log'),
  startedAt: 1_789_999_000,
  stoppedAt: 1_789_999_042,
  seconds: 42,
  pricePerHour: 360_000n,
  terms: zero,
  exitCode: 0,
}
const receipts: [string, Receipt][] = [
  ['done', receipt],
  ['at a price that was haggled for', { ...receipt, pricePerHour: 200_000n, terms: hashCanonical('terms') }],
  ['killed by a signal, no outputs', { ...receipt, exitCode: -9, outputs: zero }],
  [
    'smallest exit code, no time',
    { ...receipt, exitCode: -(2 ** 31), stoppedAt: receipt.startedAt, seconds: 0 },
  ],
]
write('receipts', {
  ...domain,
  receipts: await Promise.all(
    receipts.map(async ([name, value]) => ({
      name,
      receipt: receiptToJson(value),
      digest: hashReceipt(value, domain),
      device: await signReceipt(account(2), value, domain),
      buyer: await signReceipt(account(3), value, domain),
    })),
  ),
})

// The values and forms of the first two stand in RFC 8785, sections 3.2.2 and 3.2.3.
const values: unknown[] = [
  {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  },
  {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  },
  [],
  {},
  'text',
  -0,
  2 ** 53,
  5e-324,
  1.7976931348623157e308,
  [[[]], { a: { b: {} } }],
  spec,
]
write(
  'canonical',
  values.map((value) => ({ value, json: canonicalJson(value), hash: hashCanonical(value) })),
)

const tried = (read: () => unknown) => {
  try {
    return { result: read() }
  } catch (error) {
    if (error instanceof QueryError) return { error: { message: error.message, position: error.position } }
    throw error instanceof MillraceError
      ? error
      : new RangeError('a query error was expected', { cause: error })
  }
}
const queries = [
  '',
  'gpu_name=H100 num_gpus>=1 price<2.5',
  'gpu_name == RTX_4090',
  'gpu_name="RTX 4090" region != eu-west',
  "region in [eu_west, 'us east'] num_gpus notin [0,1]",
  'verified=true reliability >= .95',
  'price<=1e-3 disk>=+16',
  'GPU_NAME=a100',
  'gpu_nam=H100',
  'vram>3',
  'gpus>=1',
  'price',
  'price<',
  'price<cheap',
  'gpu_name>H100',
  'verified=yes',
  'verified in [true]',
  'region in eu',
  'region in [eu',
  'region in []',
  'region="eu',
  '=3',
  'price=<3',
  'id=0xabc asset=12',
]
const orders = [
  '',
  'price',
  'price,num_gpus-',
  ' price- , duration ',
  'prise',
  'price,',
  'price price',
  'price,price-',
  '-price',
]
write('query', {
  queries: queries.map((text) => ({ text, ...tried(() => parseQuery(text)) })),
  orders: orders.map((text) => ({ text, ...tried(() => parseOrder(text)) })),
})
