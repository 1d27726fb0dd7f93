/**
 * Replacements for features that some browsers, Node and React Native lack; browsers have some only with HTTPS or on
 * localhost.
 */

/**
 * Returns a unique id, which is no secret. React Native has no `crypto`. There the time and a counter keep the ids of a
 * device apart, and random digits those of a user's devices, even if `Math.random` starts alike on two of them.
 */
export function randomId(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  const bytes = crypto?.getRandomValues?.(new Uint8Array(16)) ?? bytesWithoutCrypto();
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let idsWithoutCrypto = 0;

/** Six bytes of the time in milliseconds, two of a counter, and eight random ones. */
function bytesWithoutCrypto(): Uint8Array {
  idsWithoutCrypto += 1;
  const now = Date.now();
  const known = [40, 32, 24, 16, 8, 0].map((bits) => Math.floor(now / 2 ** bits));
  const random = Array.from({ length: 8 }, () => Math.random() * 256);
  return Uint8Array.from([...known, idsWithoutCrypto >> 8, idsWithoutCrypto, ...random]);
}

/** Returns a signal that aborts after a time. */
export function abortAfter(ms: number): AbortSignal {
  const { timeout } = AbortSignal as { timeout?: typeof AbortSignal.timeout };
  if (timeout !== undefined) return AbortSignal.timeout(ms);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

/** Runs `work` while other tabs wait for the same lock. Without locks, two tabs may run at once. */
export async function withLock<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  const locks = navigator?.locks;
  return locks === undefined ? work() : locks.request(name, async () => work());
}
