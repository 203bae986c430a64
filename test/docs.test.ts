// Owns the pages that list flags and variables: their tables are made from the code, so they cannot drift. After a change of an
// option, `npx vitest run test/docs.test.ts -u` rewrites the tables between the markers and leaves the prose alone.
import { expect, test } from 'vitest'
import { createProgram, loadOptionTables, serviceNames } from '@tandem/cli'
import { flagName, variableName } from '@tandem/core'
import type { OptionSpec, OptionTable } from '@tandem/core'
import { readText, root } from './support/repository.js'

const tables = await loadOptionTables(serviceNames)
const program = createProgram({
  tables,
  version: '0.0.0',
  context: { env: {}, terminal: { out: () => {}, err: () => {}, interactive: false, colors: false }, onStopSignal: () => () => {} },
  finish: () => {}
})

function optionRows (table: OptionTable): string {
  const rows = Object.entries(table).map(([key, spec]) =>
    `| \`${variableName(key)}\` | \`${flagName(key)}\` | ${defaultOf(spec)} | ${cell(meaning(spec))} |`)
  return ['| variable | flag | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function defaultOf (spec: OptionSpec): string {
  return spec.default === undefined || spec.default === '' ? '' : `\`${String(spec.default)}\``
}

function meaning (spec: OptionSpec): string {
  if (spec.type === 'string' && spec.choices) return `${spec.description}: ${spec.choices.map(choice => `\`${choice}\``).join(', ')}`
  return spec.description
}

const cell = (text: string) => text.replaceAll('|', '\\|')

function flagRows (commandName: string): string {
  const command = program.commands.find(candidate => candidate.name() === commandName)
  const own = command?.options.filter(option => option.helpGroupHeading?.startsWith('Passed on') !== true) ?? []
  return ['| flag | meaning |', '|---|---|', ...own.map(option => `| \`${option.flags}\` | ${cell(option.description)} |`)].join('\n')
}

/** Replaces what is between `<!-- NAME -->` and `<!-- end -->`; fails when a marker is missing. */
function fill (page: string, name: string, content: string): string {
  const begin = `<!-- ${name} -->\n`
  const start = page.indexOf(begin)
  const end = page.indexOf('<!-- end -->', start)
  expect(start, `marker ${begin.trim()}`).toBeGreaterThanOrEqual(0)
  expect(end, `end of ${begin.trim()}`).toBeGreaterThan(start)
  return `${page.slice(0, start)}${begin}${content}\n${page.slice(end)}`
}

test('docs/cli.md lists every command with its flags', async () => {
  const services: readonly string[] = serviceNames
  const commands = program.commands.map(command => command.name()).filter(name => !services.includes(name))
  const page = commands.reduce((text, name) => fill(text, name, flagRows(name)), readText('docs/cli.md'))
  await expect(page).toMatchFileSnapshot(`${root}docs/cli.md`)
  for (const name of services) expect(page).toContain(`tandem ${name}`)
})

test('docs/configuration.md lists every variable of every service', async () => {
  const page = serviceNames.reduce((text, name) => fill(text, name, optionRows(tables[name] ?? {})), readText('docs/configuration.md'))
  await expect(page).toMatchFileSnapshot(`${root}docs/configuration.md`)
})

test('docs/operations.md names only variables and metrics that exist', () => {
  const page = readText('docs/operations.md')
  const variables = new Set([...serviceNames.flatMap(name => Object.keys(tables[name] ?? {})), 'modelsDir'].map(variableName))
  expect(page.match(/TANDEM_[A-Z_]*[A-Z]/g)?.filter(name => !variables.has(name))).toEqual([])
  const metrics = readText('docs/metrics.md')
  expect(page.match(/tandem_(?:gateway|scheduler)_[a-z_]*[a-z]/g)?.filter(name => !metrics.includes(`\`${name}\``))).toEqual([])
})
