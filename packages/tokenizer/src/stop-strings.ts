// Owns finding stop strings in text that arrives in pieces. Text that may be the start of a stop string is
// held back, so what was emitted never has to be taken back.

export interface StopMatch {
  /** Text that may be shown now. */
  readonly text: string
  /** The stop string that was found; nothing is accepted after it. */
  readonly stop: string | undefined
}

export interface StopMatcher {
  push (delta: string): StopMatch
  /** The held-back text, when the sequence ended without a stop string. */
  end (): string
}

export interface StopMatcherOptions {
  /** Keep the stop string at the end of the text. Default false. */
  readonly include?: boolean
}

/** The match that ends first wins; of those that end together, the longest. */
export function createStopMatcher (stops: readonly string[], options: StopMatcherOptions = {}): StopMatcher {
  const automata = stops.filter(stop => stop !== '').map(stop => ({ stop, failure: failureTable(stop), matched: 0 }))
  const include = options.include ?? false
  let held = ''

  return {
    push (delta) {
      if (automata.length === 0) return { text: delta, stop: undefined }
      for (let i = 0; i < delta.length; i++) {
        const found = advance(automata, delta[i]!)
        if (found === undefined) continue
        const upTo = held + delta.slice(0, i + 1)
        held = ''
        return { text: include ? upTo : upTo.slice(0, upTo.length - found.length), stop: found }
      }
      const text = held + delta
      let longest = 0
      for (const automaton of automata) longest = Math.max(longest, automaton.matched)
      held = text.slice(text.length - longest)
      return { text: text.slice(0, text.length - longest), stop: undefined }
    },
    end () {
      const rest = held
      held = ''
      return rest
    }
  }
}

interface Automaton {
  readonly stop: string
  readonly failure: readonly number[]
  /** UTF-16 units of `stop` that the text so far ends with. */
  matched: number
}

/** One step of Knuth-Morris-Pratt for every stop string. */
function advance (automata: readonly Automaton[], unit: string): string | undefined {
  let found: string | undefined
  for (const automaton of automata) {
    const { stop, failure } = automaton
    while (automaton.matched > 0 && stop[automaton.matched] !== unit) automaton.matched = failure[automaton.matched - 1]!
    if (stop[automaton.matched] === unit) automaton.matched++
    if (automaton.matched === stop.length && stop.length > (found?.length ?? 0)) found = stop
  }
  return found
}

/** [stop.length] length of the longest proper prefix of `stop` that ends at each position. */
function failureTable (stop: string): number[] {
  const table = new Array<number>(stop.length).fill(0)
  for (let i = 1, length = 0; i < stop.length; i++) {
    while (length > 0 && stop[i] !== stop[length]) length = table[length - 1]!
    if (stop[i] === stop[length]) length++
    table[i] = length
  }
  return table
}
