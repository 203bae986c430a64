import { MemoryStore } from '../src/index.js'
import { testStore } from './support/conformance.js'

testStore('MemoryStore', async () => {
  let nowMs = 0
  const store = new MemoryStore(() => nowMs)
  return {
    store,
    lapse: async leaseMs => { nowMs += leaseMs },
    close: () => store.close()
  }
})
