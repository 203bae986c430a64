// docs/http-api.md against the code: every route, field, ignored parameter, outcome and metric is on the page.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { gatewayOptions } from '../src/options.js'
import { chatBody } from '../src/openai/chat-schema.js'
import { completionBody } from '../src/openai/completion-schema.js'
import { ignoredParameters } from '../src/openai/parameters.js'
import { flagName } from '@tandem/core'
import { startTestGateway } from './support/gateway.js'

const page = readFileSync(new URL('../../../docs/http-api.md', import.meta.url), 'utf8')
const missing = (words: Iterable<string>): string[] => [...words].filter(word => !page.includes(`\`${word}`))

it('names every route and no other', async () => {
  const { url } = await startTestGateway(() => {})
  const { paths } = await (await fetch(`${url}/openapi.json`)).json() as { paths: Record<string, Record<string, unknown>> }
  const routes = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`))
  const listed = [...page.matchAll(/^\| `((?:GET|POST) [^`]+)` \|/gm)].map(match => match[1]!)
  expect(listed.sort()).toEqual(routes.sort())
})

it('names every field and every ignored parameter', () => {
  expect(missing([...Object.keys(completionBody.properties), ...Object.keys(chatBody.properties), ...ignoredParameters])).toEqual([])
})

it('names every metric and no other', async () => {
  const { metrics } = await startTestGateway(() => {})
  const names = metrics.registry.getMetricsAsArray().map(metric => metric.name)
  expect([...page.matchAll(/^\| `(tandem_\w+)` \|/gm)].map(match => match[1]!).sort()).toEqual(names.sort())
})

it('names only flags that exist', () => {
  const flags = Object.keys(gatewayOptions).map(flagName)
  const named = [...page.matchAll(/`(--[a-z-]+)`/g)].map(match => match[1]!)
  expect(named.filter(flag => !flags.includes(flag))).toEqual([])
})
