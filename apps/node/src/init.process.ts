import { text } from 'node:stream/consumers'
import { MillraceError } from '@millrace/sdk'
import { type InitNodeOptions, initNode } from './config/initNode.ts'

/**
 * `initNode` as a process: its options as JSON on standard input, its result or `{"error":{code,message,remedy}}` as JSON
 * on standard output. Keys and passphrases never appear on a command line. Exit code 0 or 1.
 */
try {
  const options = JSON.parse(await text(process.stdin)) as InitNodeOptions
  process.stdout.write(`${JSON.stringify(await initNode(options))}\n`)
} catch (error) {
  const { code, message, remedy } =
    error instanceof MillraceError ? error : { code: 'INTERNAL', message: String(error), remedy: undefined }
  process.stdout.write(`${JSON.stringify({ error: { code, message, remedy } })}\n`)
  process.exitCode = 1
}
