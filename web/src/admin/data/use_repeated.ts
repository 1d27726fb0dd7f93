import { useEffect, useEffectEvent } from "react";

/** Calls `action` again and again while the page is visible, and at once when it becomes visible. */
export function useRepeated(action: () => void, everyMs: number | undefined): void {
  const act = useEffectEvent(action);
  useEffect(() => {
    if (everyMs === undefined) return;
    let timer: ReturnType<typeof setInterval> | undefined;
    const follow = (): void => {
      clearInterval(timer);
      timer = document.hidden ? undefined : setInterval(() => act(), everyMs);
    };
    const changed = (): void => {
      follow();
      if (!document.hidden) act();
    };
    follow();
    document.addEventListener("visibilitychange", changed);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", changed);
    };
  }, [everyMs]);
}
