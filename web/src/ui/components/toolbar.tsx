import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from "react";

interface Props {
  label: string;
  className: string;
  /** Whether Tab reaches it. */
  isReachable: boolean;
  children: ReactNode;
}

const STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** A toolbar: Tab reaches one button, and arrow keys move between the buttons. */
export function Toolbar({ label, className, isReachable, children }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const buttons = (): HTMLButtonElement[] => [...(bar.current?.querySelectorAll("button") ?? [])];
  useLayoutEffect(() => {
    for (const [index, button] of buttons().entries()) button.tabIndex = isReachable && index === 0 ? 0 : -1;
  });
  const pressed = (event: KeyboardEvent): void => {
    const all = buttons();
    const at = all.indexOf(event.target as HTMLButtonElement);
    const step = STEPS[event.key];
    if (at === -1 || step === undefined) return;
    event.preventDefault();
    all[step(at, all.length)]?.focus();
  };
  return (
    <div ref={bar} className={className} role="toolbar" aria-label={label} onKeyDown={pressed}>
      {children}
    </div>
  );
}
