// Owns recovering BPE merges from a SentencePiece vocabulary: it stores scores, and a pair may merge when its
// concatenation is a piece; the better score merges first.

/** Merges in order of rank. Ties keep the order of lengths, longer left pieces first, as transformers sorts them. */
export function mergesFromScores (tokens: readonly string[], scores: ArrayLike<number>): Array<readonly [string, string]> {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const found: Array<{ left: string, right: string, score: number }> = []
  for (const [piece, id] of ids) {
    // Cuts fall between code points only.
    let at = 0
    for (const char of piece) {
      at += char.length
      if (at >= piece.length) break
      const left = piece.slice(0, at)
      const right = piece.slice(at)
      if (ids.has(left) && ids.has(right)) found.push({ left, right, score: scores[id]! })
    }
  }
  const numChars = (text: string): number => Array.from(text).length
  found.sort((a, b) => b.score - a.score || numChars(b.left) - numChars(a.left) || numChars(b.right) - numChars(a.right))
  return found.map(({ left, right }) => [left, right] as const)
}
