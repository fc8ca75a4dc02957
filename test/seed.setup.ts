import fc from 'fast-check'

/**
 * Properties are tried with the same values each time, so that a change that passes once passes again; the long
 * campaigns explore. `MILLRACE_SEED` sets another seed for both.
 */
const chosen = process.env.MILLRACE_DEEP === undefined ? 20_261_121 : Math.floor(Math.random() * 2 ** 31)
fc.configureGlobal({ seed: Number(process.env.MILLRACE_SEED ?? chosen) })
