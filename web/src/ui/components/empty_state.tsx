import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import "./empty_state.css";

interface Props {
  icon: LucideIcon;
  title: string;
  /** Whether it is beside something else that is empty, such as in the list of conversations. */
  isSmall?: boolean;
  /** What it means, and buttons for what can be done next. */
  children?: ReactNode;
}

/** What stands where nothing is yet: an icon, a sentence and the next step. */
export function EmptyState({ icon: Icon, title, isSmall = false, children }: Props) {
  return (
    <div className={isSmall ? "empty-state small" : "empty-state"}>
      <span className="empty-icon">
        <Icon aria-hidden="true" />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
