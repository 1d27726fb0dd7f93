import { vi } from "vitest";

/** Lets everything happen that does not wait for time: the database of these tests works in turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until an assertion holds, as long as a busy machine may need. */
export const eventually = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 60_000 });
