/** Handlers by the name of what happens. */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<(payload: never) => void>>();

  /** Calls `handler` each time. Returns a function that ends this. */
  on<Name extends keyof Events>(name: Name, handler: (payload: Events[Name]) => void): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers.add(handler));
    return () => this.off(name, handler);
  }

  off<Name extends keyof Events>(name: Name, handler: (payload: Events[Name]) => void): void {
    this.#handlers.get(name)?.delete(handler);
  }

  get hasHandlers(): boolean {
    return [...this.#handlers.values()].some(({ size }) => size > 0);
  }

  /** Removes all handlers. */
  clear(): void {
    this.#handlers.clear();
  }

  /** Calls the handlers. One that fails does not keep others from being called. */
  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        handler(payload as never);
      } catch (error) {
        // The program's own error handling shows it, as for any event handler.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
