import { type ComponentType, type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { repeatable } from "../../repeatable_import";
import { texts } from "../../texts";
import { whenIdle } from "../../when_idle";
import { isTyping } from "../keyboard/focus";
import { useFocusUntilClosed } from "../keyboard/use_focus_until_closed";
import { useChatState } from "./chat_context";
import { type HeldKeys, holdKeys } from "./held_keys";
import { type LoadingState, type PartLoading, startLoading } from "./parts_loading";

/**
 * How a part says that it does not arrive.
 *
 * - `notice`: in front of the page, since the reader has asked for it and waits. Until then, keys are meant for it.
 * - `unasked`: in front of the page, while the reader does something else.
 * - `place`: in its place, since it belongs to what the reader sees.
 * - `silent`: not at all, since the reader does not know of it.
 */
type Manner = "notice" | "unasked" | "place" | "silent";

/** Properties for the loading of a part, beside its own. */
interface LoadingProps {
  /** Called when the reader no longer waits; `onClose` by default. */
  onGiveUp?: () => void;
  /** What is shown until the part is loaded. */
  fallback?: ReactNode;
}

type Module<P> = Promise<{ default: ComponentType<P> }>;

interface Preloadable {
  /** Loads the code before it is needed. A failure means nothing: it is loaded when it is shown. */
  readonly preload: () => Promise<void>;
}

type LazyPart<P> = ComponentType<P & LoadingProps> & Preloadable;

/**
 * Returns a component whose code is loaded when it is first shown. A failed load is repeated for as long as the reader
 * waits. Once they have given up, the part does not appear by itself.
 */
export function lazyPart<P extends object>(load: () => Module<P>, manner: Manner = "notice"): LazyPart<P> {
  let Part: ComponentType<P> | undefined;
  const loadCode = repeatable(load);
  const loadWithStyles = async (): Module<P> => {
    await reloadStyles();
    const module = await loadCode();
    // A part that shares its file with others has another name there, which is lost at the file's second address.
    if (module.default === undefined) throw new Error("the part is loaded again with the page");
    return module;
  };
  const preload = async (): Promise<void> => {
    const module = await loadWithStyles().catch(() => undefined);
    if (module !== undefined) Part = module.default;
  };
  function LazyPart({ fallback = null, onGiveUp, ...rest }: P & LoadingProps) {
    const props = rest as unknown as P & { onClose?: () => void };
    const [state, setState] = useState<LoadingState | "loaded" | "over">(Part === undefined ? "loading" : "loaded");
    const loading = useRef<PartLoading>(null);
    useEffect(() => {
      if (Part !== undefined) return setState("loaded");
      const started = startLoading(loadWithStyles, {
        onState: setState,
        onLoaded: (module) => {
          Part = module.default;
          setState("loaded");
        },
      });
      loading.current = started;
      return started.stop;
    }, []);
    const hasFailed = state === "unreachable" || state === "missing";
    const giveUp = (): void => {
      loading.current?.stop();
      setState("over");
      (onGiveUp ?? props.onClose)?.();
    };
    const held = useHeldKeys(
      manner === "notice" && (state === "loading" || state === "late"),
      state === "loaded",
      giveUp,
    );
    if (Part !== undefined && state !== "over") return <Part {...props} />;
    const waiting = { state, onRetry: () => loading.current?.retry() };
    if (manner === "place") return hasFailed ? <MissingPart {...waiting} fallback={fallback} /> : fallback;
    if (manner === "silent" || !(hasFailed || state === "late")) return fallback;
    return <PartNotice {...waiting} isWaitedFor={() => held.current?.isLeft() === false} onClose={giveUp} />;
  }
  return Object.assign(LazyPart, { preload });
}

/** Loads parts once the chat is there and the page is idle, so that nobody waits for them. */
export function usePreload(parts: readonly Preloadable[]): void {
  const isThere = useChatState(({ loaded, connected }) => loaded && connected);
  useEffect(() => {
    if (isThere) void whenIdle().then(() => Promise.all(parts.map(({ preload }) => preload())));
  }, [isThere, parts]);
}

/** Holds the keys that are pressed while a part loads, and gives it what was typed. */
function useHeldKeys(isLoading: boolean, isLoaded: boolean, giveUp: () => void): RefObject<HeldKeys | null> {
  const held = useRef<HeldKeys>(null);
  const latest = useRef(giveUp);
  latest.current = giveUp;
  useEffect(() => {
    if (!isLoading) return;
    const keys = holdKeys(() => latest.current());
    held.current = keys;
    return keys.end;
  }, [isLoading]);
  useEffect(() => {
    // The part has taken the focus by now: its effects come first.
    if (!isLoaded) return;
    held.current?.give();
    held.current = null;
  }, [isLoaded]);
  return held;
}

interface Props {
  state: string;
  onRetry: () => void;
}

interface PartNoticeProps extends Props {
  /** Whether the reader does nothing else meanwhile. */
  isWaitedFor: () => boolean;
  onClose: () => void;
}

/** Says in front of the page that a part is not there. The rest of the page can be used meanwhile. */
function PartNotice({ state, onRetry, onClose, isWaitedFor }: PartNoticeProps) {
  const notice = useRef<HTMLDivElement>(null);
  const isLate = state === "late";
  useFocusUntilClosed(() => undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when it appears, and when the part fails
  useEffect(() => {
    // Enter may be meant for a part that is only late; Tab leads here.
    const takesFocus = isWaitedFor() ? !isLate : !isTyping(document.activeElement);
    if (takesFocus) notice.current?.querySelector("button")?.focus();
  }, [isLate]);
  // Below an open dialog, nobody could use it.
  const [front] = useState(
    () => [...document.querySelectorAll("dialog[open]:not(.leaving *)")].at(-1) ?? document.body,
  );
  return createPortal(
    <div
      ref={notice}
      className="notice floating-notice part-notice"
      role="alert"
      onClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
    >
      <p>{state === "late" ? texts.parts.late : texts.parts.failed}</p>
      <Choices state={state} onRetry={onRetry} />
      <button type="button" className="quiet" onClick={onClose}>
        {texts.close}
      </button>
    </div>,
    front,
  );
}

/** Says in the place of a part that it is not there. */
function MissingPart({ state, onRetry, fallback }: Props & { fallback: ReactNode }) {
  return (
    <>
      {fallback}
      <div className="missing-part" role="status">
        <p>{texts.parts.failed}</p>
        <Choices state={state} onRetry={onRetry} />
      </div>
    </>
  );
}

function Choices({ state, onRetry }: Props) {
  if (state === "late") return null;
  return (
    <>
      <button type="button" className="quiet" onClick={onRetry}>
        {texts.retry}
      </button>
      {state === "missing" && (
        <button type="button" className="quiet" onClick={() => location.reload()}>
          {texts.parts.reload}
        </button>
      )}
    </>
  );
}

/** Style sheets of parts of the page. A repeated load of a part does not load them again. */

/** Loads the style sheets that have failed. Rejects when one fails again. */
export async function reloadStyles(): Promise<void> {
  const links = document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet][data-failed]");
  await Promise.all([...links].map(reloaded));
}

function reloaded(link: HTMLLinkElement): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = link.cloneNode() as HTMLLinkElement;
    next.onload = () => {
      delete next.dataset.failed;
      resolve();
    };
    next.onerror = () => reject(new Error(`${next.href} cannot be loaded`));
    link.replaceWith(next);
  });
}

// Errors of elements do not bubble.
addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") target.dataset.failed = "";
  },
  true,
);
