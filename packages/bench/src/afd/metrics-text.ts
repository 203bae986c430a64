// Owns reading Prometheus text: sums over what carries the wanted labels.

/** Sum of all samples called `name` that carry `labels`; 0 where there is none. */
export function sumOfMetric (text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue
    const [, found, value] = /^[\w:]+(\{.*\})? (\S+)/.exec(line) ?? []
    const isOther = line[name.length] !== ' ' && line[name.length] !== '{'
    if (!isOther && wanted.every(label => found?.includes(label) === true)) sum += Number(value)
  }
  return sum
}
