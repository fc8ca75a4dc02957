/** Encrypted private keys, for programs that run under Node. */
export { decryptKeystore, encryptKeystore, type Keystore, keystoreSchema } from './keystore.ts'
