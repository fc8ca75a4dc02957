import { GatewayFault } from '../errors/GatewayFault.ts'

/** The data folder belongs to another running gateway. */
export class DataDirInUse extends GatewayFault {
  static readonly code = 'DATA_DIR_IN_USE'
  constructor(dataDir: string, pid: number) {
    super(
      DataDirInUse.code,
      `The data folder "${dataDir}" is in use by process ${pid}. Stop it, or give this gateway a folder of its own.`,
      { status: 503, details: { dataDir, pid } },
    )
  }
}

/** A migration that was applied earlier has been edited since. */
export class MigrationChanged extends GatewayFault {
  static readonly code = 'MIGRATION_CHANGED'
  constructor(name: string) {
    super(
      MigrationChanged.code,
      `The migration "${name}" was applied in another form. Applied migrations are never edited: add a new one.`,
      { status: 500, details: { name } },
    )
  }
}

/** The database has a migration this version does not know. */
export class MigrationUnknown extends GatewayFault {
  static readonly code = 'MIGRATION_UNKNOWN'
  constructor(name: string) {
    super(
      MigrationUnknown.code,
      `The database was migrated by a newer gateway: it has "${name}". Run that version, or another database.`,
      { status: 500, details: { name } },
    )
  }
}

/** The database cannot be reached, or cannot write: a full disk, a lost connection, a stopped server. */
export class DatabaseUnavailable extends GatewayFault {
  static readonly code = 'DATABASE_UNAVAILABLE'
  constructor(cause: unknown) {
    super(
      DatabaseUnavailable.code,
      'The database did not take the request. Nothing was changed; try again in a moment.',
      { status: 503, retryable: true, cause },
    )
  }
}

/** The disk of the embedded database is nearly full. */
export class DiskFull extends GatewayFault {
  static readonly code = 'DISK_FULL'
  constructor(folder: string, free: number, least: number) {
    super(
      DiskFull.code,
      `The disk of "${folder}" has ${free} bytes left; nothing is written below ${least}. Make room, then try again.`,
      { status: 503, retryable: true, details: { free, least } },
    )
  }
}
