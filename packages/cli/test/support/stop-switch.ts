// Owns the signals of a test.

export interface StopSwitch {
  readonly onStopSignal: (stop: () => void, kill: () => void) => () => void
  /** As a first Ctrl-C. */
  stop (): void
}

export function stopSwitch (): StopSwitch {
  let listener = () => {}
  return {
    onStopSignal: stop => {
      listener = stop
      return () => {}
    },
    stop: () => listener()
  }
}
