import { NodeError } from '../errors/NodeError.ts'

/** There is no configuration in this home yet. */
export class ConfigMissingError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'CONFIG_MISSING',
      message: `There is no node configuration at "${options.path}".`,
      remedy: 'Run `millrace node init` first.',
    })
  }
}

/** The configuration is not TOML. */
export class ConfigSyntaxError extends NodeError {
  constructor(options: { path: string; line: number; column: number; cause: unknown }) {
    super({
      code: 'CONFIG_SYNTAX',
      message: `"${options.path}" is not valid TOML at line ${options.line}, column ${options.column}.`,
      remedy: 'Correct the line, or move the file away and run `millrace node init` again.',
      cause: options.cause,
    })
  }
}

/** A value of the configuration is missing, unknown or out of range. */
export class ConfigInvalidError extends NodeError {
  readonly issues: readonly string[]
  constructor(options: { path: string; issues: readonly string[] }) {
    super({
      code: 'CONFIG_INVALID',
      message: `"${options.path}" cannot be used: ${options.issues.join('; ')}.`,
      remedy: 'Correct the named settings; docs/guides/node.md lists them all.',
    })
    this.issues = options.issues
  }
}

/** A node was set up in this home before. */
export class ConfigExistsError extends NodeError {
  constructor(options: { path: string }) {
    super({
      code: 'CONFIG_EXISTS',
      message: `A node is set up already: "${options.path}".`,
      remedy: 'Edit that file, or choose another home with MILLRACE_HOME.',
    })
  }
}
