/** Loads parts of the page when they are first shown. */

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A part that has not arrived by then is late. */
const LATE_MS = 2_000;

/** `unreachable`: the server does not answer. `missing`: it does, but not with the part, such as after an upgrade. */
export type LoadingState = "loading" | "late" | "unreachable" | "missing";

export interface PartLoading {
  /** Tries again at once. */
  readonly retry: () => void;
  /** Ends it: the part does not appear any more. */
  readonly stop: () => void;
}

export interface PartListener<T> {
  readonly onState: (state: LoadingState) => void;
  readonly onLoaded: (part: T) => void;
}

/** Loads a part, and repeats a failed load until it is stopped. */
export function startLoading<T>(
  load: () => Promise<T>,
  { onState, onLoaded }: PartListener<T>,
  isReachable = serverAnswers,
): PartLoading {
  let isOver = false;
  let wake = (): void => undefined;
  const late = setTimeout(() => onState("late"), LATE_MS);
  const retry = (): void => {
    onState("late");
    wake();
  };
  const isBack = (): void => wake();
  const stop = (): void => {
    isOver = true;
    clearTimeout(late);
    removeEventListener("online", isBack);
    wake();
  };
  const tryOnce = async (): Promise<void> => {
    try {
      const part = await load();
      if (isOver) return;
      stop();
      onLoaded(part);
    } catch {
      clearTimeout(late);
      const isMissing = !isOver && (await isReachable());
      if (!isOver) onState(isMissing ? "missing" : "unreachable");
    }
  };
  const run = async (): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await tryOnce();
      if (isOver) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = () => undefined;
      if (isOver) return;
    }
  };
  addEventListener("online", isBack);
  void run();
  return { retry, stop };
}

/** Returns whether the server answers. The service worker may answer for the page, but never for the API. */
async function serverAnswers(): Promise<boolean> {
  try {
    return (await fetch(new URL("api/v1/server", document.baseURI), { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}
