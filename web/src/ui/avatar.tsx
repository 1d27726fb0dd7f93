import type { CSSProperties } from "react";

/** Somebody's initial on a colour of their own. Names stand beside it, so it is not read out. */
export function Avatar({ id, name }: { id: string; name: string }) {
  const initial = [...name.trim()][0] ?? "?";
  const hue = [...id].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
  return (
    <span className="avatar" aria-hidden="true" style={{ "--hue": hue } as CSSProperties}>
      {initial.toUpperCase()}
    </span>
  );
}
