// The local network for people who change it: bundles anew whenever a source changes, and restarts the parts whose
// bundle changed. `millrace up` supervises them: a part that is told to end comes back with the new code.
import { spawn } from 'node:child_process'
import { readFileSync, watch } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bootstrap, must, root } from './bootstrap.mjs'

bootstrap()
const home = process.env.MILLRACE_HOME ?? join(homedir(), '.millrace')
const entry = join(root, 'apps', 'cli', 'bin', 'millrace.mjs')
const rebuild = () => must('node', ['tools/build.mjs', '--quiet'])
rebuild()

const network = spawn(process.execPath, [entry, 'up'], { cwd: root, stdio: 'inherit' })
network.once('exit', (code) => process.exit(code ?? 0))

/** Ends a part of the network; its supervisor starts it again. */
function restart(part) {
  try {
    process.kill(JSON.parse(readFileSync(join(home, 'network', `${part}.pid`), 'utf8')).pid, 'SIGTERM')
    process.stderr.write(`restarting the ${part}\n`)
  } catch {
    // Not running: nothing to restart.
  }
}

// A change of the SDK reaches every part; an app's only itself. The command itself is new at its next call.
const watched = {
  'packages/sdk/src': ['gateway', 'node'],
  'apps/gateway/src': ['gateway'],
  'apps/node/src': ['node'],
  'apps/cli/src': [],
}
const changed = new Set()
let timer
for (const [folder, parts] of Object.entries(watched))
  watch(join(root, folder), { recursive: true }, (_, file) => {
    if (file === null || file.endsWith('.test.ts')) return
    for (const part of parts) changed.add(part)
    clearTimeout(timer)
    // Editors write in bursts.
    timer = setTimeout(() => {
      rebuild()
      for (const part of changed) restart(part)
      changed.clear()
    }, 300)
  })
