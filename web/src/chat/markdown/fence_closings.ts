/** Finds the ends of blocks of code. */

/** Fences of one kind, by line. */
interface Fences {
  /** The number of signs at the end of each line. */
  readonly counts: readonly number[];
  /** The largest of these numbers from each line on. */
  readonly largest: readonly number[];
}

/** The lines of a text that may close a fence. They are read once, however many fences are never closed. */
export class FenceClosings {
  readonly #lines: readonly string[];
  readonly #fences = new Map<string, Fences>();

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /**
   * Returns the first line from `from` on that closes a fence: one that consists of its signs, or one that only ends in
   * them. Undefined where there is none.
   */
  find(fence: string, from: number, place: "alone" | "at the end"): number | undefined {
    const { counts, largest } = this.#fencesOf(fence.charAt(0), place === "alone");
    if ((largest[from] ?? 0) < fence.length) return undefined;
    let line = from;
    while ((counts[line] ?? 0) < fence.length) line++;
    return line;
  }

  #fencesOf(sign: string, isAlone: boolean): Fences {
    const key = `${sign}${isAlone}`;
    let fences = this.#fences.get(key);
    if (fences === undefined) {
      const counts = this.#lines.map((line) => countAtEnd(line, sign, isAlone));
      fences = { counts, largest: largestFrom(counts) };
      this.#fences.set(key, fences);
    }
    return fences;
  }
}

function countAtEnd(line: string, sign: string, isAlone: boolean): number {
  const { length } = line.trimEnd();
  let start = length;
  while (start > 0 && line[start - 1] === sign) start--;
  return isAlone && !/^ {0,3}$/.test(line.slice(0, start)) ? 0 : length - start;
}

function largestFrom(counts: readonly number[]): number[] {
  const largest = [...counts];
  for (let line = counts.length - 2; line >= 0; line--)
    largest[line] = Math.max(largest[line] ?? 0, largest[line + 1] ?? 0);
  return largest;
}
