import { crc32 as checksum } from 'node:zlib'

/** CRC-32 (IEEE 802.3) of `bytes`, as eight hex digits. Guards against torn and rotten lines, not against people. */
export const crc32 = (bytes: Uint8Array): string => checksum(bytes).toString(16).padStart(8, '0')
