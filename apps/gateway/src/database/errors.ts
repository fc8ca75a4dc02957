import { GatewayFault } from '../errors/GatewayFault.ts'

/** The data folder belongs to another running gateway. */
export class DataDirInUse extends GatewayFault {
  constructor(dataDir: string, pid: number) {
    super(
      'DATA_DIR_IN_USE',
      `The data folder "${dataDir}" is in use by process ${pid}. Stop it, or give this gateway a folder of its own.`,
      { status: 503, details: { dataDir, pid } },
    )
  }
}

/** A migration that was applied earlier has been edited since. */
export class MigrationChanged extends GatewayFault {
  constructor(name: string) {
    super(
      'MIGRATION_CHANGED',
      `The migration "${name}" was applied in another form. Applied migrations are never edited: add a new one.`,
      { status: 500, details: { name } },
    )
  }
}

/** The database has a migration this version does not know. */
export class MigrationUnknown extends GatewayFault {
  constructor(name: string) {
    super(
      'MIGRATION_UNKNOWN',
      `The database was migrated by a newer gateway: it has "${name}". Run that version, or another database.`,
      { status: 500, details: { name } },
    )
  }
}

/** The database cannot be reached, or cannot write: a full disk, a lost connection, a stopped server. */
export class DatabaseUnavailable extends GatewayFault {
  constructor(cause: unknown) {
    super(
      'DATABASE_UNAVAILABLE',
      'The database did not take the request. Nothing was changed; try again in a moment.',
      { status: 503, retryable: true, cause },
    )
  }
}
