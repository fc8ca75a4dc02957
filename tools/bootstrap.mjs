// Makes a fresh clone ready: the right Node, the locked packages, bubblewrap. Plain JavaScript without
// dependencies, because it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const leastNode = [20, 19]

/** Ends the process with one line for people and exit code 1. */
export function fail(message) {
  process.stderr.write(`millrace: ${message}\n`)
  process.exit(1)
}

/** Runs a command with inherited output; ends the process if it fails. */
export function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`cannot run ${command}: ${error.message}`)
  if (status !== 0) fail(`${command} ${args.join(' ')} failed with exit code ${status}`)
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < leastNode[0] || (major === leastNode[0] && minor < leastNode[1]))
    fail(`Node ${leastNode.join('.')} or newer is needed, this is ${process.versions.node}`)
}

/** Whether what is installed is what the lock file names. npm keeps a copy of the lock inside node_modules. */
function packagesAreCurrent() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/') || entry.link) return true
    const present = installed[path]
    // Optional packages for other platforms are rightly absent.
    if (!present) return Boolean(entry.optional || entry.devOptional || entry.peer)
    return present.version === entry.version
  })
}

function installPackages() {
  if (packagesAreCurrent()) return
  process.stderr.write('Installing packages (npm ci) …\n')
  must('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { stdio: ['ignore', 2, 2] })
}

const systemPackages = [
  { command: 'bwrap', names: { default: 'bubblewrap' }, why: 'the sandbox in which jobs run' },
]
const managers = [
  {
    command: 'apt-get',
    before: ['update', '-qq'],
    install: ['install', '-y', '-qq', '--no-install-recommends'],
  },
  { command: 'dnf', install: ['install', '-y', '-q'] },
  { command: 'apk', install: ['add', '--quiet'] },
  { command: 'pacman', install: ['-S', '--noconfirm', '--needed'] },
  { command: 'zypper', install: ['--non-interactive', 'install'] },
]

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0

function installSystemPackages() {
  if (process.platform !== 'linux') return
  const missing = systemPackages.filter(({ command }) => !has(command))
  if (missing.length === 0) return
  const manager = managers.find(({ command }) => has(command))
  const prefix =
    process.getuid() === 0
      ? []
      : spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
        ? ['sudo', '-n']
        : null
  const names = missing.map(({ names }) => names[manager?.command] ?? names.default)
  const byHand = `install ${names.join(' ')} with your package manager (${missing.map(({ why }) => why).join('; ')}), then run this again`
  if (!manager || prefix === null) fail(byHand)
  process.stderr.write(`Installing ${names.join(' ')} (${manager.command}) …\n`)
  const run = (args) => {
    const [command, ...rest] = [...prefix, manager.command, ...args]
    return spawnSync(command, rest, {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  if (manager.before) run(manager.before)
  run([...manager.install, ...names])
  if (missing.some(({ command }) => !has(command))) fail(byHand)
}

/** Installs whatever is missing; does nothing, quickly, when nothing is. */
export function bootstrap() {
  checkNode()
  installPackages()
  installSystemPackages()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) bootstrap()
