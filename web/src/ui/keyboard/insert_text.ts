/** Inserts a text as if the reader had typed it, so that it can be undone. */
export function insertText(
  field: HTMLTextAreaElement | HTMLInputElement,
  { from, to, insert, selection }: { from: number; to: number; insert: string; selection?: readonly [number, number] },
): void {
  field.focus();
  field.setSelectionRange(from, to);
  const isDone = insert === "" ? document.execCommand("delete") : document.execCommand("insertText", false, insert);
  if (!isDone) {
    field.setRangeText(insert, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (selection !== undefined) field.setSelectionRange(...selection);
}
