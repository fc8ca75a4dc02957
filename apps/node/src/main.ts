import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { MillraceError } from '@millrace/sdk'
import { startNode } from './start/startNode.ts'

/**
 * The node as a process: `main [--home DIR] [--passphrase-file FILE]`. Standard error carries the log; standard output one
 * JSON line when it is ready, `{"event":"ready","asset","device","operator"}`. Exit codes: 0 stopped or drained, 1 failed,
 * 2 wrong arguments.
 */
async function main(): Promise<number> {
  let flags: { home?: string; 'passphrase-file'?: string }
  try {
    flags = parseArgs({ options: { home: { type: 'string' }, 'passphrase-file': { type: 'string' } } }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
  const passphraseFile = flags['passphrase-file']
  try {
    const node = await startNode({
      ...(flags.home === undefined ? {} : { home: flags.home }),
      passphrase: async () =>
        passphraseFile === undefined
          ? (process.env.MILLRACE_PASSPHRASE ?? null)
          : (await readFile(passphraseFile, 'utf8')).replace(/\r?\n$/, ''),
    })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void node.close())
    process.stdout.write(
      `${JSON.stringify({ event: 'ready', asset: String(node.asset), device: node.device, operator: node.operator })}\n`,
    )
    await node.done
    return 0
  } catch (error) {
    const { code, message, remedy } =
      error instanceof MillraceError ? error : { code: 'INTERNAL', message: String(error), remedy: undefined }
    process.stderr.write(`${JSON.stringify({ level: 60, event: 'node.failed', code, message, remedy })}\n`)
    return 1
  }
}

process.exit(await main())
