import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
// Registers the gradients of the core's operations.
import '@tensorflow/tfjs-layers'

/**
 * Makes TensorFlow.js's WebAssembly backend ready.
 * @param folder Folder with the backend's `.wasm` files; the installed package's own by default.
 */
export async function useWasm(folder?: string): Promise<void> {
  if (tf.getBackend() === 'wasm') return
  if (folder !== undefined) setWasmPaths(folder.endsWith('/') ? folder : `${folder}/`)
  // Its start-up banner and per-call checks are for browsers.
  tf.enableProdMode()
  await tf.setBackend('wasm')
  await tf.ready()
}
