import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from "react";
import { stepOf } from "../keyboard/direction";

interface Props {
  id?: string | undefined;
  label: string;
  className: string;
  /** Whether Tab reaches it. */
  isReachable: boolean;
  children: ReactNode;
}

/** Returns which of `count` buttons a key leads to; undefined for other keys. */
function reached(key: string, at: number, count: number): number | undefined {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = stepOf(key);
  return step === 0 ? undefined : (at + step + count) % count;
}

/** A toolbar: Tab reaches one button, and arrow keys move between the buttons. */
export function Toolbar({ id, label, className, isReachable, children }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const buttons = (): HTMLButtonElement[] => [...(bar.current?.querySelectorAll("button") ?? [])];
  useLayoutEffect(() => {
    const all = buttons();
    // Only where it matters, since this computes the page's layout.
    const first = isReachable ? all.find((button) => button.checkVisibility()) : undefined;
    for (const button of all) button.tabIndex = button === first ? 0 : -1;
  });
  const pressed = (event: KeyboardEvent): void => {
    const all = buttons().filter((button) => button.checkVisibility());
    const at = all.indexOf(event.target as HTMLButtonElement);
    const next = reached(event.key, at, all.length);
    if (at === -1 || next === undefined) return;
    event.preventDefault();
    all[next]?.focus();
  };
  return (
    <div ref={bar} id={id} className={className} role="toolbar" aria-label={label} onKeyDown={pressed}>
      {children}
    </div>
  );
}
