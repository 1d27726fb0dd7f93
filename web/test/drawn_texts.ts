/** Texts of random signs, the same ones in each run. */

export const ASCII: readonly string[] = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

/** Half a surrogate pair is what is left of an emoji that was cut. */
const SIGNS = [...ASCII, "\n", "\t", "é", "\u0301", "東", "🎉", "\u00a0", "\u200b", "\ud800"];

/** Returns a function that returns a number below a limit: a linear congruential generator. */
export function numbers(): (limit: number) => number {
  let state = 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Returns units of one to three signs. */
export function drawnUnits(count: number): string[] {
  const below = numbers();
  const sign = (): string => SIGNS[below(SIGNS.length)] ?? "";
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(3) }, sign).join(""));
}

export function repeated(unit: string, length: number): string {
  return unit.repeat(Math.ceil(length / unit.length));
}
