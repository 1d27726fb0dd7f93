/** Markdown around the selected text, for the usual keyboard shortcuts. */

export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  /** The selection afterwards. */
  readonly selection: readonly [number, number];
}

export const SIGNS: Readonly<Record<string, string>> = { b: "**", i: "_", e: "`" };

/** Puts the marker around the selection, or removes it. */
export function toggled(text: string, from: number, to: number, sign: string): Edit {
  const chosen = text.slice(from, to);
  const { length } = sign;
  if (text.slice(from - length, from) === sign && text.slice(to, to + length) === sign)
    return { from: from - length, to: to + length, insert: chosen, selection: [from - length, to - length] };
  const isInside = chosen.length >= 2 * length && chosen.startsWith(sign) && chosen.endsWith(sign);
  if (isInside) {
    const insert = chosen.slice(length, -length);
    return { from, to, insert, selection: [from, from + insert.length] };
  }
  return { from, to, insert: `${sign}${chosen}${sign}`, selection: [from + length, to + length] };
}
