/** Base of this program's errors: a stable code, what happened and what to do. */
export class TrainError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The text folder cannot be listed. */
export class TextFolderUnreadable extends TrainError {
  constructor(folder: string, cause: unknown) {
    super(
      'TEXT_FOLDER_UNREADABLE',
      `Cannot read the text folder "${folder}". Give an existing folder with --text.`,
      { cause },
    )
  }
}

/** The text folder holds no file this program reads. */
export class TextFolderEmpty extends TrainError {
  constructor(folder: string, extensions: readonly string[]) {
    super(
      'TEXT_FOLDER_EMPTY',
      `No ${extensions.join(' or ')} file under "${folder}". Give a folder of text with --text.`,
    )
  }
}

/** A file is not UTF-8 text. */
export class TextNotUtf8 extends TrainError {
  constructor(file: string, cause?: unknown) {
    super('TEXT_NOT_UTF8', `"${file}" is not UTF-8 text. Remove it from the folder or convert it.`, { cause })
  }
}

/** There is too little text to train and to test on. */
export class TextTooShort extends TrainError {
  constructor(characters: number, least: number) {
    super(
      'TEXT_TOO_SHORT',
      `The text has ${characters} characters; at least ${least} are needed. Add more text.`,
    )
  }
}

/** An option or environment variable has a value that is not allowed. */
export class OptionInvalid extends TrainError {
  constructor(name: string, value: string, allowed: string) {
    super('OPTION_INVALID', `${name} is "${value}"; allowed is ${allowed}.`)
  }
}

/** A model folder's file is missing or not of the expected form. */
export class ModelInvalid extends TrainError {
  constructor(file: string, problem: string, cause?: unknown) {
    super(
      'MODEL_INVALID',
      `"${file}": ${problem}. Train again, or give the folder that the training wrote.`,
      { cause },
    )
  }
}
