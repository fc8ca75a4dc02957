import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { KeyFileInvalidError } from './errors.ts'
import { readSecret, writeSecret } from './secretFile.ts'

/**
 * The machine's own key: starts leases and signs receipts. Made on first use. Not encrypted, because the machine must
 * come back after a power cut by itself; it holds no money.
 */
export async function loadDeviceKey(path: string): Promise<PrivateKeyAccount> {
  const text = await readSecret(path)
  if (text === null) {
    const key = generatePrivateKey()
    await writeSecret(path, `${key}\n`)
    return privateKeyToAccount(key)
  }
  const key = text.trim()
  if (!/^0x[0-9a-f]{64}$/i.test(key)) throw new KeyFileInvalidError({ path, expected: 'a device key' })
  return privateKeyToAccount(key as `0x${string}`)
}
