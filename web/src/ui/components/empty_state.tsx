import type { ReactNode } from "react";
import "./empty_state.css";

interface Props {
  drawing: ReactNode;
  title: string;
  /** What it means, and buttons for what can be done next. */
  children: ReactNode;
}

/** What stands where nothing is yet: a drawing, a sentence and the next step. */
export function EmptyState({ drawing, title, children }: Props) {
  return (
    <div className="empty-state">
      <svg viewBox="0 0 160 112" aria-hidden="true" focusable="false">
        {drawing}
      </svg>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Two speech bubbles, one of which is being written: no conversation is chosen. */
export const BUBBLES = (
  <>
    <path
      className="behind"
      d="M30 12h64a14 14 0 0 1 14 14v22a14 14 0 0 1-14 14H56L40 76V62H30a14 14 0 0 1-14-14V26a14 14 0 0 1 14-14Z"
    />
    <path className="soft" d="M34 29h48M34 42h30" />
    <path
      className="front"
      d="M78 44h54a14 14 0 0 1 14 14v18a14 14 0 0 1-14 14h-8v14l-17-14H78a14 14 0 0 1-14-14V58a14 14 0 0 1 14-14Z"
    />
    <path className="dots" d="M88 67h.01M105 67h.01M122 67h.01" />
  </>
);

/** A speech bubble that smiles: nothing was said yet. */
export const SMILE = (
  <>
    <path className="behind" d="M22 40h.01M138 34h.01M30 74h.01M132 78h.01" />
    <path
      className="front"
      d="M60 10h40a26 26 0 0 1 26 26v18a26 26 0 0 1-26 26H88L70 100V80H60a26 26 0 0 1-26-26V36a26 26 0 0 1 26-26Z"
    />
    <path className="dots" d="M66 38h.01M94 38h.01" />
    <path className="line" d="M64 52c8 9 24 9 32 0" />
  </>
);

/** A list whose rows are still empty, and a plus: no conversations yet. */
export const ROWS = (
  <>
    <rect className="behind" x="18" y="10" width="108" height="26" rx="10" />
    <rect className="behind" x="18" y="43" width="108" height="26" rx="10" />
    <rect className="behind" x="18" y="76" width="108" height="26" rx="10" />
    <path className="soft" d="M50 23h46M50 56h32M50 89h40" />
    <path className="dots" d="M34 23h.01M34 56h.01M34 89h.01" />
    <circle className="front" cx="124" cy="78" r="20" />
    <path className="line" d="M124 69v18M115 78h18" />
  </>
);
