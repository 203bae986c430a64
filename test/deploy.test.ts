// Owns keeping deploy/ and docker-compose.yml true to the code: every container runs a service that exists, with variables it
// reads and values it accepts, and Services find their pods.
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadOptionTables, serviceNames } from '@tandem/cli'
import { parseOptions, variableName } from '@tandem/core'
import { listFiles, readText } from './support/repository.js'

interface Container {
  readonly where: string
  readonly service: string
  /** Undefined for a value that only the cluster knows (secrets, the pod's address). */
  readonly env: Readonly<Record<string, string | undefined>>
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly stringData?: Record<string, string>
  readonly spec: {
    readonly selector: Record<string, unknown> & { readonly matchLabels?: Record<string, string> }
    readonly template?: {
      readonly metadata: { readonly labels: Record<string, string> }
      readonly spec: { readonly containers: ManifestContainer[] }
    }
    readonly ports?: { readonly targetPort: string }[]
  }
}

interface ManifestContainer {
  readonly image: string
  readonly args?: string[]
  readonly ports?: { readonly name: string }[]
  readonly env?: {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string, readonly key: string } }
  }[]
}

const tables = await loadOptionTables(serviceNames)
/** Read by `tandem status` (health checks) and `tandem pull` inside the containers. */
const readByCommands = ['TANDEM_SCHEDULER_ADDRESS', 'TANDEM_CLUSTER_TOKEN', 'TANDEM_MODELS_DIR']

const manifestFiles = listFiles('deploy/kubernetes').filter(path => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
const manifests = manifestFiles.flatMap(path => parseAllDocuments(readText(path)).map(document => {
  expect(document.errors, path).toEqual([])
  return document.toJS() as Manifest
}))
const workloads = manifests.filter(manifest => manifest.spec?.template !== undefined)

function kubernetesContainers (): Container[] {
  return workloads.flatMap(({ metadata, spec }) => (spec.template?.spec.containers ?? []).filter(({ image }) => image === 'tandem').map(container => ({
    where: metadata.name,
    service: container.args?.[0] ?? '',
    env: Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]))
  })))
}

function composeContainers (): Container[] {
  const { services } = parse(readText('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { image: string, command?: string[], environment?: Record<string, string> }>
  }
  return Object.entries(services).filter(([, { image }]) => image === 'tandem').map(([name, { command, environment }]) => ({
    where: `docker-compose ${name}`,
    service: command?.[0] ?? '',
    env: Object.fromEntries(Object.entries(environment ?? {}).map(([key, value]) => [key, value.replace(/\$\{\w+:-(.*)\}/, '$1')]))
  }))
}

const containers = [...kubernetesContainers(), ...composeContainers()]

test('both ways to deploy run every service', () => {
  const wanted = [...serviceNames].sort()
  expect(kubernetesContainers().map(({ service }) => service).sort()).toEqual(wanted)
  expect(composeContainers().map(({ service }) => service).sort()).toEqual(wanted)
})

test.each(containers)('$where gives its service variables it reads, with values it accepts', ({ service, env }) => {
  const table = tables[service as keyof typeof tables] ?? {}
  const known = new Set([...Object.keys(table).map(variableName), ...readByCommands])
  expect(Object.keys(env).filter(name => !known.has(name))).toEqual([])
  parseOptions(table, { env })
})

test.each(containers)('$where listens beyond loopback only with a token', ({ service, env }) => {
  if (env['TANDEM_HOST'] === '0.0.0.0' && service !== 'gateway') expect(Object.keys(env)).toContain('TANDEM_CLUSTER_TOKEN')
})

test('labels, ports and secrets that manifests name exist', () => {
  for (const { metadata, spec } of workloads) expect(spec.template?.metadata.labels, metadata.name).toMatchObject(spec.selector.matchLabels ?? {})
  for (const { metadata, spec } of manifests.filter(({ kind }) => kind === 'Service')) {
    const [target, ...more] = workloads.filter(workload =>
      Object.entries(spec.selector).every(([key, value]) => workload.spec.template?.metadata.labels[key] === value))
    expect(more, metadata.name).toEqual([])
    const ports = target?.spec.template?.spec.containers.flatMap(container => container.ports?.map(({ name }) => name) ?? []) ?? []
    for (const { targetPort } of spec.ports ?? []) expect(ports, metadata.name).toContain(targetPort)
  }
  const secrets = new Map(manifests.filter(({ kind }) => kind === 'Secret').map(({ metadata, stringData }) => [metadata.name, stringData ?? {}]))
  for (const { spec } of workloads) {
    for (const { valueFrom } of spec.template?.spec.containers.flatMap(container => container.env ?? []) ?? []) {
      if (valueFrom?.secretKeyRef) expect(secrets.get(valueFrom.secretKeyRef.name)).toHaveProperty([valueFrom.secretKeyRef.key])
    }
  }
})

test('kustomization lists every manifest', () => {
  const { resources } = parse(readText('deploy/kubernetes/kustomization.yaml')) as { resources: string[] }
  expect([...resources].sort()).toEqual(manifestFiles.map(path => path.split('/').at(-1)).sort())
})
