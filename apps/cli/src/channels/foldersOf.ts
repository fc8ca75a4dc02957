import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What is in a folder, whole paths; none where it is not there. */
export const foldersOf = (root: string): readonly string[] =>
  existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : []
