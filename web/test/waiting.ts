import { vi } from "vitest";

/** Waits until an assertion holds, as long as a busy machine may need. */
export const eventually = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 60_000 });
