import type { LogStream } from '../../runner.ts'

/**
 * The index beside a log tells which bytes came from where. A record is 8 bytes, big-endian: the stream in the top byte,
 * the offset at which it begins in the rest. A record holds until the next one begins.
 */
export const LOG_STREAMS = ['stdout', 'stderr', 'system'] as const satisfies readonly LogStream[]
export const LOG_RECORD_BYTES = 8

export interface LogSegment {
  readonly from: number
  readonly stream: LogStream
}

/** Read all whole records of an index. */
export function parseLogIndex(bytes: Buffer): LogSegment[] {
  const segments: LogSegment[] = []
  for (let at = 0; at + LOG_RECORD_BYTES <= bytes.length; at += LOG_RECORD_BYTES) {
    const stream = LOG_STREAMS[bytes.readUInt8(at)] ?? 'system'
    segments.push({ from: bytes.readUIntBE(at + 2, 6), stream })
  }
  return segments
}
