/** Texts that are cut within a block of code. */

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$/;
/** Code with a longer fence is not continued, since each piece would repeat it. */
const SIGNS_MAX = 40;
const LANGUAGE = /^[\w+#.-]{1,40}$/;

interface OpenFence {
  readonly signs: string;
  readonly info: string;
}

/** Returns the line with which the code continues in which a text ends; null where it ends in none. */
export function continuingFence(text: string): string | null {
  const open = openFence(text);
  if (open === null) return null;
  const language = open.info.trim();
  return LANGUAGE.test(language) ? open.signs + language : open.signs;
}

/** Returns the start of a text with the code block closed in which it ends, since an open fence is text. */
export function withClosedFence(start: string): string {
  const open = openFence(start);
  return open === null ? start : `${start}${start.endsWith("\n") ? "" : "\n"}${open.signs}`;
}

function openFence(text: string): OpenFence | null {
  let open: OpenFence | null = null;
  for (const line of text.split("\n")) {
    const [, signs, info = ""] = FENCE.exec(line) ?? [];
    if (signs === undefined) continue;
    if (open === null) open = { signs, info };
    else if (signs.startsWith(open.signs)) open = null;
  }
  return open === null || open.signs.length > SIGNS_MAX ? null : open;
}
