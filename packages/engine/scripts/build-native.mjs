// Owns building the native addons straight with the C++ compiler: no node-gyp, no downloads. Never fails the install:
// without a compiler, or when compilation fails, it says so in one line, writes build/status.json and exits 0
// (--strict exits 1). Objects are reused when the compiler, the flags and every file they include are unchanged.
//
//   node build-native.mjs [--strict] [--verbose] [--only kernels]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const packageDir = join(dirname(fileURLToPath(import.meta.url)), '..')
const csrcDir = join(packageDir, 'csrc')
const buildDir = join(packageDir, 'build')
const objectDir = join(buildDir, 'objects')
const releaseDir = join(buildDir, 'Release')
const numJobs = 2

// Per-file instruction sets, by file name; the rest is built for the architecture's baseline and dispatch is at run time.
const avx2Flags = ['-mavx2', '-mfma', '-mf16c']
const avx512Flags = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512vnni', ...avx2Flags,
  '-mprefer-vector-width=512', '-Wno-maybe-uninitialized', '-Wno-unknown-warning-option']
const isaFlags = {
  x64: {
    _avx2: avx2Flags,
    _avx2_vnni: avx2Flags,
    _avx512: avx512Flags,
    _amx: avx512Flags,
    _amx_bf16: avx512Flags
  },
  arm64: {
    _neon_dotprod: ['-march=armv8.2-a+dotprod'],
    _neon_i8mm: ['-march=armv8.2-a+dotprod+i8mm']
  }
}

/** The addons: what `npm start` loads, and the surface the kernel tests and benches use. */
const targets = [
  { name: 'tandem_native', entry: 'addon.cc', folders: ['kernels', 'threads', 'engine', 'connector', 'model', 'native'] },
  { name: 'tandem_kernels', entry: 'test/addon/kernels_napi.cc', folders: ['kernels', 'threads', 'test/addon'] }
]

export function findCompiler (environment = process.env) {
  const candidates = environment.CXX ? [environment.CXX] : ['g++', 'clang++', 'c++']
  for (const command of candidates) {
    const probe = spawnSync(command, ['--version'], { encoding: 'utf8' })
    if (probe.status === 0) return { command, version: probe.stdout.split('\n')[0].trim() }
  }
  return undefined
}

export function commonFlags () {
  const require = createRequire(import.meta.url)
  const headers = require('node-api-headers').include_dir
  const addonApi = dirname(require.resolve('node-addon-api/package.json'))
  return [
    '-std=c++20', '-O3', '-fPIC', '-fvisibility=hidden', '-pthread', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math',
    '-Wall', '-Wextra', '-Wno-unused-parameter', '-DNODE_ADDON_API_DISABLE_DEPRECATED', '-DNAPI_CPP_EXCEPTIONS', '-DNAPI_VERSION=8',
    '-I', csrcDir, '-isystem', headers, '-isystem', addonApi
  ]
}

// Flags that compilers older than GCC 11 and Clang 12 do not know. Such a source is empty without them.
const newerFlags = {
  _avx2_vnni: ['-mavxvnni'], _amx: ['-mamx-tile', '-mamx-int8'],
  _amx_bf16: ['-mamx-tile', '-mamx-bf16', '-mavx512bf16', '-mavx512fp16', '-mavx512vbmi']
}

/** Flags for a source's instruction set, as far as the compiler knows them. */
export function flagsOf (source, compiler) {
  const suffix = /(_avx2|_avx2_vnni|_avx512|_amx|_amx_bf16|_neon_dotprod|_neon_i8mm)\.cc$/.exec(source)?.[1]
  const newer = process.arch === 'x64' ? newerFlags[suffix] ?? [] : []
  return [...isaFlags[process.arch]?.[suffix] ?? [], ...newer.length > 0 && accepts(compiler, newer) ? newer : []]
}

const accepted = new Map()
function accepts (compiler, flags) {
  const key = [compiler.command, ...flags].join(' ')
  if (!accepted.has(key)) {
    accepted.set(key, spawnSync(compiler.command, [...flags, '-fsyntax-only', '-x', 'c++', '/dev/null']).status === 0)
  }
  return accepted.get(key)
}

/** Sources of one target, relative to csrc, sorted. */
export function sourcesOf (target) {
  const sources = new Set(existsSync(join(csrcDir, target.entry)) ? [target.entry] : [])
  for (const folder of target.folders) {
    const path = join(csrcDir, folder)
    if (!existsSync(path)) continue
    for (const name of readdirSync(path, { recursive: true })) {
      if (name.endsWith('.cc')) sources.add(join(folder, name))
    }
  }
  return [...sources].sort()
}

const hashOf = (...parts) => parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex')
const contentHashes = new Map()
function contentHash (path) {
  let hash = contentHashes.get(path)
  if (hash === undefined) {
    hash = existsSync(path) ? hashOf(readFileSync(path)) : 'missing'
    contentHashes.set(path, hash)
  }
  return hash
}

/** Prerequisites of a make rule, without the object itself. */
function parseDepfile (text) {
  return text.replaceAll('\\\n', ' ').split(/(?<!\\)\s+/).filter(Boolean).slice(1).map(path => path.replaceAll('\\ ', ' '))
}

function isFresh (object, command) {
  const record = `${object}.json`
  if (!existsSync(object) || !existsSync(record)) return false
  const { commandHash, inputs } = JSON.parse(readFileSync(record, 'utf8'))
  return commandHash === hashOf(...command) && Object.entries(inputs).every(([path, hash]) => contentHash(path) === hash)
}

function run (command, args) {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: packageDir, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', data => { output += data })
    child.stderr.on('data', data => { output += data })
    child.on('error', error => resolve({ ok: false, output: error.message }))
    child.on('close', code => resolve({ ok: code === 0, output }))
  })
}

async function compile (compiler, flags, source) {
  const object = join(objectDir, `${source.replaceAll(/[/\\]/g, '__')}.o`)
  const args = [...flags, ...flagsOf(source, compiler), '-c', join(csrcDir, source)]
  const command = [compiler.command, compiler.version, ...args]
  if (isFresh(object, command)) return { ok: true, object, built: false, output: '' }
  rmSync(`${object}.json`, { force: true })
  const started = performance.now()
  // Written aside and renamed: two builds may run at once.
  const fresh = `${object}.${process.pid}`
  const result = await run(compiler.command, [...args, '-o', fresh, '-MMD', '-MF', `${fresh}.d`])
  if (result.ok) {
    const inputs = Object.fromEntries(parseDepfile(readFileSync(`${fresh}.d`, 'utf8')).map(path => [path, contentHash(path)]))
    rmSync(`${fresh}.d`)
    renameSync(fresh, object)
    writeFileSync(`${object}.json`, JSON.stringify({ commandHash: hashOf(...command), inputs }))
  }
  return { ...result, object, built: true, seconds: (performance.now() - started) / 1000 }
}

async function link (compiler, target, objects) {
  const file = join(releaseDir, `${target.name}.node`)
  const record = `${file}.json`
  const key = hashOf(compiler.version, ...objects.map(contentHash))
  if (existsSync(file) && existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).key === key) return { ok: true, output: '' }
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--gc-sections', '-s']
  const result = await run(compiler.command, [...shared, '-pthread', '-o', `${file}.${process.pid}`, ...objects])
  if (result.ok) {
    // A process may have the old file mapped: replace, never overwrite.
    renameSync(`${file}.${process.pid}`, file)
    writeFileSync(record, JSON.stringify({ key }))
  }
  return result
}

async function buildAll ({ verbose, only }) {
  const compiler = findCompiler()
  if (compiler === undefined) return { built: false, reason: 'no C++ compiler (g++ or clang++) was found', compiler: null }
  mkdirSync(objectDir, { recursive: true })
  mkdirSync(releaseDir, { recursive: true })
  const flags = commonFlags()
  const wanted = targets.filter(target => only === undefined || target.name.endsWith(only))
    .map(target => ({ ...target, sources: sourcesOf(target) })).filter(target => target.sources.includes(target.entry))
  const queue = [...new Set(wanted.flatMap(target => target.sources))]
  const total = queue.length
  const results = new Map()
  const worker = async () => {
    for (let source = queue.shift(); source !== undefined; source = queue.shift()) {
      const result = await compile(compiler, flags, source)
      results.set(source, result)
      if (verbose && result.built) console.log(`${source} ${result.seconds.toFixed(1)} s`)
      if (process.stdout.isTTY) process.stdout.write(`\rnative engine: compiled ${results.size}/${total} `)
    }
  }
  await Promise.all(Array.from({ length: numJobs }, worker))
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
  contentHashes.clear()
  const failures = []
  for (const target of wanted) {
    const compiled = target.sources.map(source => ({ source, ...results.get(source) }))
    const broken = compiled.filter(result => !result.ok)
    const linked = broken.length === 0 ? await link(compiler, target, compiled.map(result => result.object)) : undefined
    if (linked?.ok === true) continue
    const what = broken.length > 0 ? broken.map(result => result.source).join(', ') : 'linking'
    failures.push({ target: target.name, reason: `${what} failed with ${compiler.command}` })
    if (verbose) console.error(linked?.output ?? broken.map(result => result.output).join('\n'))
  }
  const native = failures.find(failure => failure.target === 'tandem_native') ?? (only === undefined ? undefined : failures[0])
  return {
    built: native === undefined, reason: native?.reason ?? 'built', compiler: compiler.version,
    failures, addons: wanted.filter(target => !failures.some(failure => failure.target === target.name)).map(target => target.name)
  }
}

async function main () {
  const verbose = process.argv.includes('--verbose')
  const onlyIdx = process.argv.indexOf('--only')
  const only = onlyIdx < 0 ? undefined : process.argv[onlyIdx + 1]
  const started = performance.now()
  const status = await buildAll({ verbose, only })
  mkdirSync(buildDir, { recursive: true })
  if (only === undefined) writeFileSync(join(buildDir, 'status.json'), JSON.stringify(status, null, 2) + '\n')
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const where = relative(process.cwd(), releaseDir)
  if (status.built && (status.failures ?? []).length === 0) {
    console.log(`native engine: ${status.addons.join(', ')} ready in ${where} (${status.compiler}, ${seconds} s)`)
  } else {
    const reasons = status.failures?.map(failure => `${failure.target}: ${failure.reason}`) ?? [status.reason]
    console.log(`native engine: not built (${reasons.join('; ')}); the reference backend will be used`)
    if (process.argv.includes('--strict')) process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
