import { texts } from "../../texts";
import { onMac } from "./focus";

/** Returns the names of the keys of a shortcut, as they are printed on the keyboard. */
export function keyNames(keys: string): string[] {
  // A plus sign alone is a key.
  const parts = keys === "+" ? [keys] : keys.split("+");
  return parts.map((part) =>
    part === "Mod" && onMac
      ? texts.keys.modOnMac
      : (texts.keys.names[part] ?? part.replace(/^[a-z]$/, (letter) => letter.toUpperCase())),
  );
}
