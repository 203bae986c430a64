// Owns docs/metrics.md: its table is made from what the gateway and a running scheduler export, so it cannot drift. After a change
// of a metric, `npx vitest run test/metrics-docs.test.ts -u` rewrites it.
import { expect, test } from 'vitest'
import { createMetrics } from '@tandem/gateway'
import { createSchedulerClient } from '@tandem/protocol'
import { parseOptions } from '@tandem/core'
import { schedulerOptions, startScheduler } from '@tandem/scheduler'
import { pino } from 'pino'
import { readText, root } from './support/repository.js'

async function schedulerMetrics (): Promise<string> {
  const scheduler = await startScheduler(parseOptions(schedulerOptions, { flags: { port: 0 } }), { logger: pino({ level: 'silent' }) })
  const client = createSchedulerClient(scheduler.address, '')
  try {
    return await new Promise((resolve, reject) => {
      client.getMetrics({}, (error, response) => { if (response) resolve(response.text); else reject(error ?? new Error('no answer')) })
    })
  } finally {
    client.close()
    await scheduler.close()
  }
}

/** `# HELP name text` and `# TYPE name type` of the exposition format, as rows. */
function rows (exposition: string): string[] {
  const types = new Map([...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  return [...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => `| \`${name}\` | ${types.get(name)} | ${help} |`)
}

test('docs/metrics.md lists every metric', async () => {
  const gateway = await createMetrics({ processMetrics: false }).registry.metrics()
  const table = ['| metric | type | meaning |', '|---|---|---|', ...rows(gateway), ...rows(await schedulerMetrics())]
  expect(table.length).toBeGreaterThan(20)
  const page = readText('docs/metrics.md')
  const [begin, end] = ['<!-- metrics -->\n', '<!-- end -->']
  const start = page.indexOf(begin) + begin.length
  await expect(page.slice(0, start) + table.join('\n') + '\n' + page.slice(page.indexOf(end))).toMatchFileSnapshot(`${root}docs/metrics.md`)
})
