// Owns what signals mean to a command that runs until it is stopped: the first one ends it in order, the second at once.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Exit code of a shell for a program ended by SIGINT. */
const killedExitCode = 130

/** Returns a function that gives the signals back. */
export function onStopSignal (stop: () => void, kill: () => void): () => void {
  let numSignals = 0
  const listener = () => {
    numSignals++
    if (numSignals === 1) {
      stop()
      return
    }
    kill()
    process.exit(killedExitCode)
  }
  for (const signal of signals) process.on(signal, listener)
  return () => { for (const signal of signals) process.removeListener(signal, listener) }
}
