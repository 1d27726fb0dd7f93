import type { LucideIcon } from "lucide-react";
import { type ReactNode, useState } from "react";

/** The parts that the reader has opened. They stay open when they leave the screen. */
const opened = new Set<string>();

interface Props {
  /** Names the part on this page. */
  id: string;
  icon: LucideIcon;
  title: string;
  /** What follows the title. */
  state?: ReactNode;
  /** Returns what is shown when it is open. */
  children: () => ReactNode;
}

/** A line about a part of a message, which opens to all of it. */
export function Fold({ id, icon: Icon, title, state, children }: Props) {
  const [isOpen, setOpen] = useState(() => opened.has(id));
  const toggled = (open: boolean): void => {
    if (open) opened.add(id);
    else opened.delete(id);
    setOpen(open);
  };
  return (
    <details className="part" open={isOpen} onToggle={({ currentTarget }) => toggled(currentTarget.open)}>
      <summary className="reach">
        <Icon className="icon" aria-hidden="true" />
        <span className="part-title">
          <bdi>{title}</bdi>
        </span>
        {state !== undefined && <span className="part-state">{state}</span>}
      </summary>
      {isOpen && <div className="part-inside">{children()}</div>}
    </details>
  );
}
