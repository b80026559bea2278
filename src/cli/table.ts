/** Tables for a terminal. */

/** Columns as wide as their widest cell: the first `texts` to the left, the others, which are numbers, to the right. */
export const aligned = (rows: readonly (readonly string[])[], texts: number): string => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i < texts ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A whole number, its thousands apart. */
export const whole = (n: number): string => n.toLocaleString('en-GB').replaceAll(',', ' ')
