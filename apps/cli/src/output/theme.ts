/** Colours of the terminal, or none where they would only be noise. */
const isColoured =
  process.env.NO_COLOR === undefined &&
  (process.stdout.isTTY === true || process.env.FORCE_COLOR !== undefined)

const paint = (open: number, close: number) => (text: string) =>
  isColoured ? `\u001b[${open}m${text}\u001b[${close}m` : text

export const theme = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
}
