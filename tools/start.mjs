// `npm start`: brings the local network up, runs the main job on it, says who was paid, and stays up until Ctrl-C.
//   --once       ends after the job
//   --json       prints one summary object last; everything else goes to stderr
//   --text DIR   trains on the text in that folder instead of this repository's documentation
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bootstrap, fail, must, root } from './bootstrap.mjs'

const usage = 'npm start -- [--once] [--json] [--text DIR]'
function readFlags() {
  try {
    return parseArgs({
      options: { once: { type: 'boolean' }, json: { type: 'boolean' }, text: { type: 'string' } },
    }).values
  } catch (error) {
    return fail(`${error.message}\nUsage: ${usage}`)
  }
}
const flags = readFlags()
const say = (text = '') => process.stderr.write(`${text}\n`)

bootstrap()
must('node', ['tools/build.mjs', '--quiet'])

const entry = join(root, 'apps', 'cli', 'bin', 'millrace.mjs')

/** Runs the command and shows what it says; resolves to its exit code. */
const show = (...args) =>
  new Promise((done, failed) => {
    const child = spawn(process.execPath, [entry, ...args], { cwd: root, stdio: ['inherit', 2, 2] })
    child.once('error', failed)
    child.once('close', done)
  })

/** Runs the command and returns the last object it prints, or null if it fails. */
const tryAsk = (...args) =>
  new Promise((done) => {
    const child = spawn(process.execPath, [entry, '--json', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.once('close', (code) => done(code === 0 ? JSON.parse(output.trim().split('\n').at(-1)) : null))
  })

/** As `tryAsk`; ends here if the command fails, with what it says. */
async function ask(...args) {
  const answer = await tryAsk(...args)
  if (answer !== null) return answer
  await show(...args)
  throw new Error(`'millrace ${args.join(' ')}' failed`)
}

const wasUp = (await tryAsk('status'))?.well === true
say(
  wasUp
    ? 'The local network is up already.'
    : 'Bringing up a local network: chain, contracts, gateway, and this machine as a node …',
)
if (!wasUp && (await show('up', '--detach')) !== 0) process.exit(1)

let stopping
async function stop(code) {
  stopping ??= (async () => {
    // A network that was up before is someone else's to stop.
    if (!wasUp) await show('down')
    process.exit(code)
  })()
  return stopping
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(flags.once ? 130 : 0))

const scratch = mkdtempSync(join(tmpdir(), 'millrace-start-'))
const summary = await mainJob().catch(async (error) => {
  say(`The main job failed: ${error.message}`)
  await stop(1)
})
rmSync(scratch, { recursive: true, force: true })
if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
if (flags.once) await stop(0)
say('\nThe network stays up until Ctrl-C. In another terminal:')
say("  npx millrace offers          npx millrace run -- 'echo hello'          npx millrace till show 1")
setInterval(() => {}, 2 ** 30)

/** Trains the language model on a hired machine, then follows the money. */
async function mainJob() {
  say('\nThe main job: a small language model, trained on a hired machine.')
  must(
    'node',
    ['examples/train-lm/build.mjs', ...(flags.text === undefined ? [] : ['--text', resolve(flags.text)])],
    {
      stdio: ['ignore', 'ignore', 2],
    },
  )
  const before = await prepareTill()
  const summaryFile = join(scratch, 'summary.json')
  const code = await show(
    ...['run', 'examples/train-lm/task.yaml', '--yes', '--duration', '10m'],
    ...['--output-dir', join('millrace-out', 'train-lm'), '--summary-file', summaryFile],
  )
  if (code !== 0) throw new Error(`'millrace run' ended with exit code ${code}`)
  const job = JSON.parse(readFileSync(summaryFile, 'utf8'))

  const split = await splitOf(job, before[job.asset])
  const amount = (units) =>
    `${(Number(units) / 10 ** job.currency.decimals).toFixed(job.currency.decimals)} ${job.currency.symbol}`
  const { owner, operator } = await ask('asset', 'show', job.asset)
  say(`\nThe till of asset ${job.asset} split what it earned:`)
  const receivers = {
    fee: 'the protocol’s account',
    upstream: 'assets it is built from',
    costs: `its operator ${operator}, for running costs`,
    debt: 'its lender',
    shares: 'its shareholders',
    owner: `its owner ${owner}`,
  }
  for (const [layer, units] of Object.entries(split))
    if (units !== '0') say(`  ${layer.padEnd(9)} ${amount(units).padStart(16)}  to ${receivers[layer]}`)

  const verdict = await verify(job.receipt)
  say(
    `The receipt ${verdict.valid && verdict.acknowledged ? 'verifies offline: signed by the device and the buyer' : `does not verify: ${verdict.reasons.join('; ')}`}.`,
  )
  if (!verdict.valid) throw new Error('the receipt does not verify')
  return {
    lease: job.lease,
    asset: job.asset,
    seconds: job.seconds,
    price: job.pricePerHour,
    paid: job.paid,
    refunded: job.refunded,
    distributed: split,
    outputs: job.outputs,
    receipt: job.receipt,
    startMs: job.startMs,
    firstLogMs: job.firstLogMs,
  }
}

/**
 * Lets the machine owe its operator something for power and rack, so that the till has more than one claim to pay; returns
 * what each layer of each machine had been paid before.
 */
async function prepareTill() {
  const { assets } = await ask('asset', 'list')
  const paid = {}
  for (const { id } of assets) {
    const till = await ask('till', 'show', id)
    paid[id] = till.paid
    if (till.terms.costsPerDay === '0') await show('till', 'costs', id, '2', '2', '--wallet', 'operator')
  }
  return paid
}

/** Waits for the end of the epoch in which the lease was settled, settles the till, and returns what each layer got of it. */
async function splitOf(job, before) {
  const layers = ['fee', 'upstream', 'costs', 'debt', 'shares', 'owner']
  const sum = (paid) => layers.reduce((total, layer) => total + BigInt(paid[layer]), 0n)
  for (;;) {
    const till = await ask('till', 'show', job.asset)
    // Everything that was ever collected has been split: this job's revenue among it.
    if (
      till.paid !== null &&
      sum(till.paid) >= BigInt(till.revenue) &&
      BigInt(till.revenue) >= BigInt(job.paid)
    ) {
      return Object.fromEntries(
        layers.map((layer) => [layer, String(BigInt(till.paid[layer]) - BigInt(before?.[layer] ?? 0))]),
      )
    }
    if (BigInt(till.bucket.amount) > 0n && BigInt(till.bucket.epoch) < BigInt(till.currentEpoch))
      await ask('till', 'settle', job.asset)
    await sleep(500)
  }
}

async function verify(file) {
  const { parse, receiptFileSchema, verifyReceipt } = await import('../packages/sdk/dist/index.js')
  const { chainId, market, receipt, device, buyer } = parse(
    receiptFileSchema,
    JSON.parse(readFileSync(file, 'utf8')),
    `receipt '${file}'`,
  )
  return verifyReceipt(receipt, { device, buyer }, { chainId, market })
}
