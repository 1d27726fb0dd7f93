const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;

/** Returns the line that opens the code block in which a text ends; null where it ends in none. */
export function openFence(text: string): string | null {
  let open: { readonly line: string; readonly sign: string } | null = null;
  for (const line of text.split("\n")) {
    const sign = FENCE.exec(line)?.[1];
    if (sign === undefined) continue;
    if (open === null) open = { line, sign };
    else if (sign.startsWith(open.sign)) open = null;
  }
  return open?.line ?? null;
}

/** Returns the start of a text with the code block closed in which it ends, since an open fence is text. */
export function withClosedFence(start: string): string {
  const sign = FENCE.exec(openFence(start) ?? "")?.[1];
  return sign === undefined ? start : `${start}${start.endsWith("\n") ? "" : "\n"}${sign}`;
}
