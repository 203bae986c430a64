import { describe, expect, it } from 'vitest'
import { expNonPositive, lnAtLeastOne } from '../../src/sampler/exact-math.js'

describe('expNonPositive', () => {
  it('is within 2 ulp of Math.exp', () => {
    for (let x = 0; x > -690; x -= 0.0137) {
      expect(Math.abs(expNonPositive(x) / Math.exp(x) - 1)).toBeLessThan(4.5e-16)
    }
  })

  it('is 1 at 0, 0 far below, and 0 for NaN', () => {
    expect([0, -701, -Infinity, NaN].map(expNonPositive)).toEqual([1, 0, 0, 0])
  })

  it('keeps the bits that other implementations must reproduce', () => {
    expect([-0.5, -1, -10.25, -300.125].map(bitsOf(expNonPositive))).toMatchInlineSnapshot(`
      [
        "3fe368b2fc6f960a",
        "3fd78b56362cef38",
        "3f02899a7a835446",
        "24e01fc80984719d",
      ]
    `)
  })
})

describe('lnAtLeastOne', () => {
  it('is within 2 ulp of Math.log', () => {
    for (let x = 1; x < 3e5; x *= 1.0017) {
      expect(Math.abs(lnAtLeastOne(x) - Math.log(x))).toBeLessThanOrEqual(4.5e-16 * Math.max(Math.log(x), 0.1))
    }
  })

  it('keeps the bits that other implementations must reproduce', () => {
    expect([1, 1.25, 3, 49152].map(bitsOf(lnAtLeastOne))).toMatchInlineSnapshot(`
      [
        "0",
        "3fcc8ff7c79a9a21",
        "3ff193ea7aad030b",
        "40259af7ee709313",
      ]
    `)
  })
})

function bitsOf (f: (x: number) => number): (x: number) => string {
  return x => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, f(x))
    return view.getBigUint64(0).toString(16)
  }
}
