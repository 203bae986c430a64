import { describe, expect, it } from 'vitest'
import { defineOptions, flagName, parseOptions, variableName } from '../src/options.js'

const table = defineOptions({
  port: { type: 'integer', default: 8000, min: 0, max: 65535, description: 'TCP port' },
  connector: { type: 'string', choices: ['auto', 'tcp'], default: 'auto', description: 'connector' },
  apiKey: { type: 'string', secret: true, description: 'key' },
  verbose: { type: 'boolean', default: false, description: 'more logs' },
  node: { type: 'string', default: 'auto', pattern: { regExp: /^(?:auto|\d+)$/, meaning: 'auto or a number' }, description: 'node' },
  rate: { type: 'number', min: 0, description: 'requests per second' }
})

describe('parseOptions', () => {
  it('prefers flags to variables to defaults, and freezes', () => {
    const options = parseOptions(table, { flags: { port: '9000' }, env: { TANDEM_PORT: '1', TANDEM_VERBOSE: 'true' } })
    expect(options).toEqual({ port: 9000, connector: 'auto', apiKey: undefined, verbose: true, node: 'auto', rate: undefined })
    expect(Object.isFrozen(options)).toBe(true)
  })

  it('treats an empty variable as absent', () => {
    expect(parseOptions(table, { env: { TANDEM_PORT: '' } }).port).toBe(8000)
  })

  it.each([
    [{ flags: { port: 'abc' } }, '--port: must be a number (got abc)'],
    [{ flags: { port: '' } }, '--port: must be a number (got )'],
    [{ flags: { port: '80.5' } }, '--port: must be a whole number (got 80.5)'],
    [{ env: { TANDEM_PORT: '70000' } }, 'TANDEM_PORT: must be at most 65535 (got 70000)'],
    [{ flags: { connector: 'rdma' } }, '--connector: must be one of auto, tcp (got rdma)'],
    [{ env: { TANDEM_VERBOSE: 'yes' } }, 'TANDEM_VERBOSE: must be true or false (got yes)'],
    [{ flags: { node: 'one' } }, '--node: must be auto or a number (got one)'],
    [{ flags: { rate: 'Infinity' } }, '--rate: must be a number (got Infinity)']
  ])('refuses %j', (raw, message) => {
    expect(() => parseOptions(table, raw)).toThrow(message)
  })

  it('never repeats a secret in a message', () => {
    const secretTable = defineOptions({ pin: { type: 'integer', secret: true, description: 'pin' } })
    expect(() => parseOptions(secretTable, { flags: { pin: 'hunter2' } })).toThrow('--pin: must be a number (got ***)')
  })
})

describe('names', () => {
  it('derives flag and variable from the key', () => {
    expect(flagName('maxNumSeqs')).toBe('--max-num-seqs')
    expect(variableName('maxNumSeqs')).toBe('TANDEM_MAX_NUM_SEQS')
  })
})
