// The test command: installs what is missing, builds, then runs every suite and adds up.
// `--deep` runs the long campaigns instead; any other argument is passed to Vitest and skips the contracts.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, must, root } from './bootstrap.mjs'

bootstrap()
const deep = process.argv.includes('--deep')
const filters = process.argv.slice(2).filter((argument) => argument !== '--deep')
const scratch = mkdtempSync(join(tmpdir(), 'millrace-test-'))

// Networks that tests bring up are processes of their own and outlive who started them; this is how they are known.
process.env.MILLRACE_TEST_RUN = scratch
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => {
    endRun()
    process.exit(code)
  })

/** Ends every process that this run left, and deletes its folder; says how many there were. */
function endRun() {
  const mark = `MILLRACE_TEST_RUN=${scratch}\0`
  const ended = new Set()
  // What is looked at may have started another meanwhile.
  for (let before = -1; before !== ended.size; ) {
    before = ended.size
    for (const pid of readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && name !== `${process.pid}`,
    )) {
      try {
        if (!`${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`.includes(mark)) continue
        process.kill(Number(pid), 'SIGKILL')
        ended.add(pid)
      } catch {
        // It has ended by itself, or is another user's.
      }
    }
  }
  rmSync(scratch, { recursive: true, force: true })
  return ended.size
}

/** Runs a suite with its output kept, and shown: at once, or `held` until it ends, so that two suites do not speak at a time. */
function suite(program, args, { environment = {}, held = false } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      if (!held) process.stdout.write(chunk)
      output = held ? output + chunk : (output + chunk).slice(-65536)
    })
    child.on('close', (code) => {
      if (held) process.stdout.write(`\n${output}\n`)
      done({ code, output })
    })
  })
}

async function contracts({ held }) {
  const { code, output } = await suite('node', ['contracts/test.mjs', ...(deep ? ['--deep'] : [])], { held })
  const line = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1)
  const passed = Number(line?.[1] ?? 0)
  const failed = Number(line?.[2] ?? 0)
  // A suite that dies before it counts must not look like one that passed.
  return { passed, failed: code === 0 && line ? failed : Math.max(failed, 1) }
}

async function typescript() {
  const report = join(scratch, 'vitest.json')
  const { code } = await suite(
    'node',
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=verbose',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...filters,
    ],
    { environment: deep ? { MILLRACE_DEEP: '1' } : {} },
  )
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'))
    const failed = numFailedTests > 0 ? numFailedTests : code === 0 ? 0 : Math.max(1, numFailedTestSuites)
    return { passed: numPassedTests, failed }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

must('node', ['tools/build.mjs', '--quiet'])
const results = []
if (filters.length > 0) results.push(await typescript())
// Long campaigns have the machine for themselves.
else if (deep) results.push(await contracts({ held: false }), await typescript())
else {
  // The compiler works on one core for minutes, and most other tests wait for a chain or a child.
  process.stdout.write(
    'The contracts are tested beside the rest; what they say comes when they are through.\n',
  )
  results.push(...(await Promise.all([contracts({ held: true }), typescript()])))
}
const left = endRun()
if (left > 0) process.stdout.write(`\n${left} process(es) that tests left running were ended.\n`)
const total = (key) => results.reduce((sum, result) => sum + result[key], 0)
process.stdout.write(`\n${total('passed')} passed, ${total('failed')} failed\n`)
process.exit(total('failed') === 0 ? 0 : 1)
