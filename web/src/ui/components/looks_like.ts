/** Characters that nobody sees and hardly anybody can type, such as spaces without width and marks of direction. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Whether two texts look the same on the page, which shows spaces in a row as one. */
export function looksLike(one: string, other: string): boolean {
  return shown(one) === shown(other);
}

function shown(text: string): string {
  return text.replace(INVISIBLE, "").normalize("NFC").replace(/\s+/gu, " ").trim();
}
