import { DurationInvalidError } from '../errors/input.ts'

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Reads a length of time: `90`, `90s`, `15m`, `1h30m`, `2d`.
 *
 * @returns Seconds, at least 1.
 * @throws DurationInvalidError
 */
export function parseDuration(text: string): number {
  const plain = text.trim().toLowerCase()
  const sum = /^\d+$/.test(plain)
    ? Number(plain)
    : /^(\d+(\.\d+)?[smhd])+$/.test(plain)
      ? [...plain.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)].reduce(
          (total, [, count, unit]) => total + Number(count) * (unitSeconds[unit ?? 's'] ?? 1),
          0,
        )
      : Number.NaN
  const seconds = Math.ceil(sum)
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > 10 * 365 * 86_400)
    throw new DurationInvalidError({ text })
  return seconds
}

/** A length of time for people: `45 s`, `12 min`, `3.5 h`, `2 d`. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${trim(seconds / 60)} min`
  if (seconds < 172_800) return `${trim(seconds / 3600)} h`
  return `${trim(seconds / 86_400)} d`
}

const trim = (value: number) => value.toFixed(1).replace(/\.0$/, '')
