export { crc32 } from './crc32.ts'
export { JournalClosedError, JournalCorruptError, JournalWriteError } from './errors.ts'
export { type Journal, type JournalLine, type OpenJournalOptions, openJournal } from './openJournal.ts'
