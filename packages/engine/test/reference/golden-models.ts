// Owns where the tiny random models of test/golden are, for tests that need a real checkpoint.
import { fileURLToPath } from 'node:url'
import { openModel, type Model } from '@tandem/model'

export function openGoldenModel (name: string): Promise<Model> {
  return openModel(fileURLToPath(new URL(`../../../../test/golden/models/${name}`, import.meta.url)))
}
