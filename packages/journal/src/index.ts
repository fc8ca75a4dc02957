export { crc32 } from './crc32.ts'
export { JournalClosedError, JournalCorruptError, JournalInUseError, JournalWriteError } from './errors.ts'
export { type Journal, type JournalLine, type OpenJournalOptions, openJournal } from './openJournal.ts'
export { type Lock, takeLock } from './takeLock.ts'
