// Owns how numbers and tables are written for people.

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'] as const

/** Decimal units, three significant digits: `98.4 MB`. */
export function formatBytes (bytes: number): string {
  let value = bytes
  let unitIdx = 0
  while (value >= 999.5 && unitIdx < byteUnits.length - 1) {
    value /= 1000
    unitIdx++
  }
  const digits = unitIdx === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${byteUnits[unitIdx]}`
}

export function formatPercent (share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`
}

export function formatSeconds (seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** Left-aligned columns, two spaces apart, without trailing blanks. */
export function formatTable (header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, idx) => Math.max(title.length, ...rows.map(row => (row[idx] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, idx) => cell.padEnd(widths[idx] ?? 0)).join('  ').trimEnd()
  return [header, ...rows].map(line).join('\n') + '\n'
}
