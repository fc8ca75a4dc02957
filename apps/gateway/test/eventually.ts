/** Waits until `probe` does not throw; its last error is the failure. */
export async function eventually<T>(probe: () => T | Promise<T>, timeoutMs = 60_000): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    try {
      return await probe()
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
