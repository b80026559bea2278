/** JSON as the published builders write it: Python's `json.dump`, spaces after commas and colons, ASCII alone. */

/** The text of a value; numbers under a key in `floats` are written as Python's floats, `1` as `1.0`. */
export const pythonJson = (value: unknown, floats: readonly string[] = []): string => {
  const text = (v: unknown, isFloat: boolean): string => {
    if (Array.isArray(v)) return `[${v.map((item) => text(item, false)).join(', ')}]`
    if (typeof v === 'object' && v !== null)
      return `{${Object.entries(v)
        .map(([key, item]) => `${ascii(key)}: ${text(item, floats.includes(key))}`)
        .join(', ')}}`
    if (typeof v === 'string') return ascii(v)
    return isFloat && Number.isInteger(v) ? `${v}.0` : JSON.stringify(v)
  }
  return text(value, false)
}

const ascii = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
