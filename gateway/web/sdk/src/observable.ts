/** A value that changes, and tells those who listen. Fits React's `useSyncExternalStore`. */
export interface Observable<T> {
  /** The value now; the same object until it changes. */
  getState: () => T;
  /** Calls the listener after each change, until the function that it returns is called. */
  subscribe: (listener: (state: T) => void) => () => void;
}

/** An observable as its owner has it. */
export interface Subject<T> extends Observable<T> {
  set: (state: T) => void;
}

export function subjectOf<T>(initial: T): Subject<T> {
  let state = initial;
  const listeners = new Set<(state: T) => void>();
  return {
    getState: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    set: (next) => {
      if (Object.is(next, state)) {
        return;
      }
      state = next;
      for (const listener of [...listeners]) {
        listener(next);
      }
    },
  };
}
