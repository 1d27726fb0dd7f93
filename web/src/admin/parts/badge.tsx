import type { ReactNode } from "react";

export type Tone = "good" | "warning" | "bad" | "plain";

/** A state in one word. The color only repeats it. */
export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`admin-badge ${tone}`}>{children}</span>;
}
