// Owns how the bytes a native loader reports become progress out of a total.

/** null when nobody wants to know. Shared tensors are counted once by one side and twice by the other: progress never passes the total. */
export function progressOf (
  totalBytes: number, onProgress: ((doneBytes: number, totalBytes: number) => void) | undefined
): ((doneBytes: number) => void) | null {
  return onProgress === undefined ? null : doneBytes => { onProgress(Math.min(doneBytes, totalBytes), totalBytes) }
}
