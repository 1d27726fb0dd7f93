import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Bubbles, Conversation } from "./drawings";
import "./empty_state.css";

interface Props {
  /** Left out for the first thing that a new user sees, which has a drawing of its own. */
  icon?: LucideIcon;
  title: string;
  /** Whether it is beside something else that is empty, such as in the list of conversations. */
  isSmall?: boolean;
  /** What it means, and buttons for what can be done next. */
  children?: ReactNode;
}

/** What stands where nothing is yet: a drawing, a sentence and the next step. */
export function EmptyState({ icon: Icon, title, isSmall = false, children }: Props) {
  return (
    <div
      className={["empty-state", isSmall && "small", Icon === undefined && "first-of-all"].filter(Boolean).join(" ")}
    >
      <span className="empty-drawing">
        {!isSmall && (Icon === undefined ? <Conversation /> : <Bubbles />)}
        {Icon && <Icon aria-hidden="true" />}
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
