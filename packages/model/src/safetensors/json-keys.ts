// Owns listing the keys of a JSON object as written: JSON.parse keeps the last of two equal keys silently, and a
// checkpoint with two tensors of one name must be refused.

/** Keys of the outermost object in order, repeats included. `text` must be valid JSON. */
export function topLevelKeys (text: string): string[] {
  const keys: string[] = []
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (character === '"') {
      const end = endOfString(text, i)
      if (depth === 1 && isFollowedByColon(text, end)) keys.push(String(JSON.parse(text.slice(i, end))))
      i = end - 1
    }
  }
  return keys
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString (text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function isFollowedByColon (text: string, from: number): boolean {
  let i = from
  while (i < text.length && /\s/.test(text[i] ?? '')) i++
  return text[i] === ':'
}
