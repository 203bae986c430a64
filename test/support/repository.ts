// Owns reading the repository as a tree of text files, for the tests that check the code itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const ignoredFolders = new Set(['.git', 'node_modules', 'dist', 'build', 'coverage', '__pycache__', 'bench-results'])

/** Paths from the root, of every file that is not built, installed or git's. */
export function listFiles (folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return ignoredFolders.has(entry.name) ? [] : listFiles(path)
    return entry.isFile() ? [path] : []
  })
}

export function readText (path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export interface Workspace {
  /** `packages/core` */
  readonly folder: string
  readonly name: string
  readonly dependencies: readonly string[]
}

export function listWorkspaces (): Workspace[] {
  return ['packages', 'services'].flatMap(parent => readdirSync(join(root, parent)).map(child => {
    const folder = `${parent}/${child}`
    const manifest = JSON.parse(readText(`${folder}/package.json`)) as { name: string, dependencies?: Record<string, string> }
    return { folder, name: manifest.name, dependencies: Object.keys(manifest.dependencies ?? {}) }
  }))
}
