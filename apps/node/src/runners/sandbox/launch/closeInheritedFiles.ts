import { closeSync, readdirSync, readFileSync } from 'node:fs'

const CLOSE_ON_EXEC = 0o2000000

/**
 * Close every descriptor that would be handed on to a program this process starts, stdio aside. Node opens all of its own so
 * that they close by themselves; what is left came from whoever started the node: a log file, a lock, a socket. One of
 * those inside a sandbox is how CVE-2024-21626 got out.
 */
export function closeInheritedFiles(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const file = Number(name)
    if (file <= 2) continue
    try {
      const info = readFileSync(`/proc/self/fdinfo/${file}`, 'latin1')
      const flags = Number.parseInt(info.match(/^flags:\s*(\d+)/m)?.[1] ?? '0', 8)
      if ((flags & CLOSE_ON_EXEC) === 0) closeSync(file)
    } catch {
      // The descriptor that listed the folder is closed by now.
    }
  }
}
