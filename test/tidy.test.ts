// Owns the house rules a linter cannot see: sizes of all kinds of files, names, headers, import direction between packages,
// generated code, and nothing of one person's machine in the tree.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { listFiles, listWorkspaces, readText, root } from './support/repository.js'

const files = listFiles()
const isGenerated = (path: string) => path.startsWith('packages/protocol/src/gen/')
const code = files.filter(path => /\.(ts|js|mjs|cc|cu|h|proto|lua|py|sh)$/.test(path) && !isGenerated(path))
const sources = code.filter(path => /^(packages|services)\/[^/]+\/src\/.*\.ts$/.test(path))
const numLines = (path: string) => readText(path).trimEnd().split('\n').length

test('no file is longer than 500 lines', () => {
  expect(code.map(path => [path, numLines(path)] as const).filter(([, lines]) => lines > 500)).toEqual([])
})

test('half of the source files have fewer than 150 lines', () => {
  const sizes = sources.map(numLines).sort((left, right) => left - right)
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(150)
})

test('folders and files are named after what they hold, in kebab-case', () => {
  const forbidden = /^(utils?|helpers?|common|misc|lib|shared|stuff)$/
  const isBad = (path: string) => {
    const names = path.split('/').map(name => name.replace(/(\.\w+)+$/, ''))
    const nameOk = (name: string) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)
    return names.some(name => forbidden.test(name)) || !names.every(nameOk)
  }
  const named = code.filter(path => !path.startsWith('proto/') && !/\.(cc|cu|h|py)$/.test(path) && path.includes('/') && !path.startsWith('.'))
  expect(named.filter(isBad)).toEqual([])
})

test('a file starts by saying what it owns', () => {
  const header = /^(#!.*\n)?(\/\/|\/\*\*)/
  expect(sources.filter(path => basename(path) !== 'index.ts' && !header.test(readText(path)))).toEqual([])
})

test('one word per thing', () => {
  // Left: what others call it. Right: our word (STYLE).
  const forbidden: readonly [RegExp, string][] = [
    [/\b(inputIds|input_ids)\b/, 'promptTokenIds'],
    [/\b(microBatch|micro_batch|microbatch)/i, 'ubatch'],
    [/\b(cachedLen|cached_len)\b/, 'numCachedTokens'],
    [/\b(maxRunningReq|max_running_req)/, 'maxNumSeqs'],
    [/\b(pageTable|page_table|numPages|num_pages)\b/, 'blockTable'],
    [/\b(expertServer|expert_server)/i, 'ffn worker'],
    [/\bretract(ed|ion)?\b/i, 'preempt'],
    [/\b(queueSize|queue_size)\b/, 'numRequestsWaiting'],
    [/\bTODO\b|\bFIXME\b|\bXXX\b/, 'an issue']
  ]
  const found = sources.flatMap(path => {
    const text = readText(path)
    return forbidden.filter(([word]) => word.test(text)).map(([word, instead]) => `${path}: ${word.exec(text)?.[0]} -> ${instead}`)
  })
  expect(found).toEqual([])
})

/** Lower may not import higher, and services never import each other. */
const layers: readonly (readonly string[])[] = [
  ['core', 'default-model'],
  ['protocol', 'kv-cache', 'model', 'tokenizer', 'hub', 'store'],
  ['connector'],
  ['engine', 'worker'],
  ['gateway', 'scheduler', 'attention-worker', 'ffn-worker'],
  ['cli'],
  ['bench']
]
const layerOf = (name: string) => layers.findIndex(layer => layer.includes(name.replace('@tandem/', '')))

test('packages depend downwards only', () => {
  const workspaces = listWorkspaces()
  expect(workspaces.filter(({ name }) => layerOf(name) === -1).map(({ name }) => name)).toEqual([])
  const upward = workspaces.flatMap(({ name, dependencies }) => dependencies
    .filter(dependency => dependency.startsWith('@tandem/'))
    .filter(dependency => layerOf(dependency) > layerOf(name) || (layerOf(dependency) === layerOf(name) && layerOf(name) === 4))
    .map(dependency => `${name} -> ${dependency}`))
  expect(upward).toEqual([])
})

test('imports are declared, and none reaches into another package', () => {
  const specifiers = /(?:from|import)\s*\(?\s*'([^'\n]+)'/g
  const found = listWorkspaces().flatMap(({ folder, name, dependencies }) =>
    sources.filter(path => path.startsWith(`${folder}/src/`)).flatMap(path =>
      [...readText(path).matchAll(specifiers)].map(match => match[1] ?? '').filter(specifier => {
        if (specifier.startsWith('node:')) return false
        if (specifier.startsWith('.')) return !join(dirname(path), specifier).startsWith(`${folder}/`)
        const wanted = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
        return wanted !== name && !dependencies.includes(wanted)
      }).map(specifier => `${path}: ${specifier}`)))
  expect(found).toEqual([])
})

test('tests lie in the folder of their sources', () => {
  const astray = files.filter(path => /^(packages|services)\/[^/]+\/test\/.*\.test\.ts$/.test(path)).filter(path => {
    const [parent = '', child = '', , ...rest] = path.split('/')
    const folder = rest.slice(0, -1).join('/')
    return !['src', 'csrc', '.'].some(top => existsSync(join(root, parent, child, top, folder)))
  })
  expect(astray).toEqual([])
})

test('generated protocol types are those of the proto files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-gen-'))
  const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> }
  const [tool = '', ...args] = (scripts['gen:proto'] ?? '').split(' ')
  const redirected = args.map(argument => argument.startsWith('--outDir=') ? `--outDir=${folder}` : argument)
  execFileSync(join(root, 'node_modules/.bin', tool), redirected, { cwd: root, stdio: 'pipe' })
  const tree = (top: string) => new Map(readdirSync(top, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => [path.slice(top.length), readFileSync(path, 'utf8')] as const).sort())
  const generated = tree(folder)
  rmSync(folder, { recursive: true })
  expect(tree(join(root, 'packages/protocol/src/gen'))).toEqual(generated)
})

test('nothing of one machine is in the tree', () => {
  const machinePath = /(?<![\w.$}-])\/(work\/(main|shared)|root\/|home\/(?!node\b)\w+|tmp\/(?!\$|tandem)\w+)|registry\.npmjs|bash_jobs/
  const isText = (path: string) => !/\.(gguf|safetensors|bin|png|svg|gz|tsbuildinfo)$/.test(path)
  const found = files.filter(path => isText(path) && path !== 'test/tidy.test.ts' && machinePath.test(readText(path)))
  expect(found).toEqual([])
})
