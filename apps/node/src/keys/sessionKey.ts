import { generateSessionKey, hashSchema, type SessionKey } from '@millrace/sdk'
import { z } from 'zod'
import { KeyFileInvalidError } from './errors.ts'
import { readSecret, writeSecret } from './secretFile.ts'

const schema = z.strictObject({ publicKey: hashSchema, privateKey: hashSchema })

/** The X25519 key to which buyers encrypt. Made on first use. */
export async function loadSessionKey(path: string): Promise<SessionKey> {
  const text = await readSecret(path)
  if (text === null) {
    const key = await generateSessionKey()
    await writeSecret(path, `${JSON.stringify(key)}\n`)
    return key
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new KeyFileInvalidError({ path, expected: 'a session key', cause })
  }
}
