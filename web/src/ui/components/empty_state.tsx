import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import "./empty_state.css";

interface Props {
  icon: LucideIcon;
  title: string;
  /** Whether it is beside something else that is empty, such as in the list of conversations. */
  isSmall?: boolean;
  /** Whether it is the first thing that a new user sees. */
  isLarge?: boolean;
  /** What it means, and buttons for what can be done next. */
  children?: ReactNode;
}

/** What stands where nothing is yet: a drawing with an icon, a sentence and the next step. */
export function EmptyState({ icon: Icon, title, isSmall = false, isLarge = false, children }: Props) {
  return (
    <div className={["empty-state", isSmall && "small", isLarge && "large-title"].filter(Boolean).join(" ")}>
      <span className="empty-icon">
        {!isSmall && <Bubbles />}
        <Icon aria-hidden="true" />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Two speech bubbles, the larger one with room for an icon, the smaller one with the dots of somebody who writes. */
function Bubbles() {
  return (
    <svg className="empty-bubbles" viewBox="0 0 176 120" aria-hidden="true">
      <path
        className="bubble"
        d="M52 8h68a26 26 0 0 1 26 26v28a26 26 0 0 1-26 26H70L46 104q-4 2.5-4-2V86a26 26 0 0 1-16-24V34A26 26 0 0 1 52 8Z"
      />
      <path
        className="answer"
        d="M122 72h26a16 16 0 0 1 16 16v4a16 16 0 0 1-9 14.4V115q0 3.5-3 1.5L140 108h-18a16 16 0 0 1-16-16v-4a16 16 0 0 1 16-16Z"
      />
      <g className="dots">
        <circle cx="123" cy="90" r="3" />
        <circle cx="135" cy="90" r="3" />
        <circle cx="147" cy="90" r="3" />
        <circle cx="12" cy="30" r="4" />
        <circle cx="6" cy="62" r="2.5" />
        <circle cx="164" cy="22" r="3" />
      </g>
    </svg>
  );
}
