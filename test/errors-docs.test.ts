// Owns docs/errors.md: its tables are made from the error registries of all packages, so they cannot drift. After a change of
// a registry, `npx vitest run test/errors-docs.test.ts -u` rewrites them and leaves the prose alone.
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { ErrorDefinition } from '@tandem/core'
import { listFiles, readText, root } from './support/repository.js'

type Registry = Readonly<Record<string, ErrorDefinition>>

function isRegistry (value: unknown): value is Registry {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return false
  const rows = Object.values(value) as Array<Partial<ErrorDefinition> | null>
  return rows.length > 0 && rows.every(row => typeof row?.message === 'string' && typeof row.grpc === 'string' && typeof row.http === 'number')
}

async function registriesOf (path: string): Promise<Registry[]> {
  const module = await import(/* @vite-ignore */ pathToFileURL(root + path).href) as Record<string, unknown>
  return Object.values(module).filter(isRegistry)
}

const files = listFiles().filter(path => /^(packages|services)\/[^/]+\/src\/.*\.ts$/.test(path) && /= defineErrors\(\{/.test(readText(path))).sort()
const registries = new Map(await Promise.all(files.map(async path => [path, await registriesOf(path)] as const)))

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

function table (path: string): string {
  const rows = registries.get(path)!.flatMap(registry => Object.entries(registry))
    .map(([code, { message, grpc, http, retryable }]) => `| \`${code}\` | ${http} | ${grpc} | ${retryable ? 'yes' : 'no'} | ${cell(message)} |`)
  return [`## ${path}`, '', '| code | HTTP | gRPC | retryable | message |', '|---|---|---|---|---|', ...rows].join('\n')
}

test('every file that defines errors exports them', () => {
  expect(files).toContain('services/gateway/src/errors.ts')
  expect(files.filter(path => registries.get(path)!.length === 0)).toEqual([])
})

test('codes are snake_case and messages name their facts', () => {
  const rows = [...registries].flatMap(([path, found]) => found.flatMap(Object.entries<ErrorDefinition>).map(([code, row]) => ({ path, code, row })))
  expect(rows.filter(({ code }) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(code)).map(({ path, code }) => `${path}: ${code}`)).toEqual([])
  expect(rows.filter(({ row }) => /\{[^}]*[^\w}][^}]*\}/.test(row.message)).map(({ path, code }) => `${path}: ${code}`)).toEqual([])
})

test('docs/errors.md lists every error of every registry', async () => {
  const page = readText('docs/errors.md')
  const start = page.indexOf('<!-- errors -->\n')
  const end = page.indexOf('<!-- end -->', start)
  expect(start).toBeGreaterThan(0)
  expect(end).toBeGreaterThan(start)
  const tables = `<!-- errors -->\n${files.map(table).join('\n\n')}\n`
  await expect(page.slice(0, start) + tables + page.slice(end)).toMatchFileSnapshot(`${root}docs/errors.md`)
})
