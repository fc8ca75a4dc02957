import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What of the host an escaped job would find, and notice of whether it was touched. */
export interface HostCanaries {
  /** Names and places for the attempts' scripts. */
  readonly envs: Readonly<Record<string, string>>
  /** What was touched since the last call; empty is unharmed. */
  harm(): Promise<string[]>
  close(): Promise<void>
}

const CONTENT = 'canary\n'

/** Put canaries out: files, a process, listening sockets of every kind, shared memory. All may be used by anyone on the host. */
export async function putCanariesOut(folder: string): Promise<HostCanaries> {
  const canary = join(folder, 'canary')
  mkdirSync(canary)
  chmodSync(canary, 0o777)
  const file = join(canary, 'file')
  const scratch = join(canary, 'scratch')
  for (const path of [file, scratch]) {
    writeFileSync(path, CONTENT)
    chmodSync(path, 0o666)
  }
  const mark = `millrace-victim-${process.pid}`
  const victim: ChildProcess = spawn('sh', ['-c', `while :; do sleep 60; done # ${mark}`], {
    stdio: 'ignore',
  })
  const shm = `millrace-canary-${process.pid}`
  writeFileSync(`/dev/shm/${shm}`, CONTENT)
  chmodSync(`/dev/shm/${shm}`, 0o666)
  const segment =
    execFileSync('ipcmk', ['-M', '4096', '-p', '0666'], { encoding: 'utf8' }).match(/\d+/)?.[0] ?? ''

  let connections = 0
  const servers: Server[] = []
  const listen = (where: { port: number; host: string } | { path: string }) =>
    new Promise<Server>((resolve) => {
      const server = createServer((socket) => {
        connections++
        socket.on('error', () => {})
        socket.destroy()
      })
      servers.push(server)
      server.listen(where, () => resolve(server))
    })
  // Every address of the host, as a careless gateway would.
  const gateway = await listen({ port: 0, host: '::' })
  const address = gateway.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socketFile = join(canary, 'socket')
  await listen({ path: socketFile })
  chmodSync(socketFile, 0o777)
  const abstractName = `millrace-abstract-${process.pid}`
  await listen({ path: `\0${abstractName}` })
  const files = readdirSync(canary).sort().join()

  const own = Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry !== undefined && entry.family === 'IPv4' && !entry.internal)

  return {
    envs: {
      CANARY_FILE: file,
      CANARY_SCRATCH: scratch,
      CANARY_FOLDER: canary,
      CANARY_SHM: shm,
      CANARY_SEGMENT: segment,
      CANARY_SOCKET: socketFile,
      ABSTRACT_SOCKET: abstractName,
      VICTIM_PID: String(victim.pid),
      VICTIM_MARK: mark,
      GATEWAY_PORT: String(port),
      HOST_ADDRESS: own?.address ?? '127.0.0.1',
    },
    async harm() {
      // Connections wait in the kernel until this process looks.
      await sleep(50)
      const found: string[] = []
      if (connections > 0) found.push(`${connections} connections to the host's sockets`)
      connections = 0
      if (victim.exitCode !== null || victim.signalCode !== null) found.push('the victim process was ended')
      const now = readdirSync(canary).sort().join()
      if (now !== files) found.push(`the canary folder holds ${now}`)
      for (const path of [file, scratch, `/dev/shm/${shm}`])
        if (readFileSync(path, 'utf8') !== CONTENT) found.push(`${path} was changed`)
      for (const name of readdirSync(canary)) if (name.startsWith('new-')) rmSync(join(canary, name))
      for (const path of [file, scratch]) writeFileSync(path, CONTENT)
      return found
    },
    async close() {
      victim.kill('SIGKILL')
      rmSync(`/dev/shm/${shm}`, { force: true })
      execFileSync('ipcrm', ['-m', segment])
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
    },
  }
}
