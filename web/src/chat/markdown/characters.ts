/** Kinds of characters on which the rules of texts depend: see docs/texts.md. The server's are in `characters.py`. */

/** Scripts without spaces between words, as a part of a class in a regular expression: a word may start or end there. */
export const UNSPACED =
  "\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u3005-\\u3007\\u3041-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua960-\\ua97f\\uaa60-\\uaa7f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{20000}-\\u{323af}";
