import { type ComponentType, type ReactNode, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { repeatable } from "../repeatable_import";
import { texts } from "../texts";
import { reloadStyles } from "./failed_styles";
import { isTyping } from "./keyboard/focus";
import { useFocusUntilClosed } from "./keyboard/use_focus_until_closed";
import { type LoadingState, type PartLoading, startLoading } from "./parts_loading";

/**
 * How a part says that it does not arrive.
 *
 * - `notice`: in front of the page, since the reader has asked for it and waits.
 * - `place`: in its place, since it belongs to what the reader sees.
 * - `silent`: not at all, since the reader does not know of it.
 */
type Manner = "notice" | "place" | "silent";

/** Properties for the loading of a part, beside its own. */
interface LoadingProps {
  /** Called when the reader no longer waits; `onClose` by default. */
  onGiveUp?: () => void;
  /** What is shown until the part is loaded. */
  fallback?: ReactNode;
}

type Module<P> = Promise<{ default: ComponentType<P> }>;

/**
 * Returns a component whose code is loaded when it is first shown. A failed load is repeated for as long as the reader
 * waits. Once they have given up, the part does not appear by itself.
 */
export function lazyPart<P extends object>(
  load: () => Module<P>,
  manner: Manner = "notice",
): ComponentType<P & LoadingProps> {
  let Part: ComponentType<P> | undefined;
  const loadCode = repeatable(load);
  const loadWithStyles = async (): Module<P> => {
    await reloadStyles();
    return loadCode();
  };
  return function LazyPart({ fallback = null, onGiveUp, ...rest }: P & LoadingProps) {
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
    if (Part !== undefined && state !== "over") return <Part {...props} />;
    const hasFailed = state === "unreachable" || state === "missing";
    const waiting = { state, onRetry: () => loading.current?.retry() };
    if (manner === "place") return hasFailed ? <MissingPart {...waiting} fallback={fallback} /> : fallback;
    if (manner === "silent" || !(hasFailed || state === "late")) return fallback;
    const giveUp = (): void => {
      loading.current?.stop();
      setState("over");
      (onGiveUp ?? props.onClose)?.();
    };
    return <PartNotice {...waiting} onClose={giveUp} />;
  };
}

interface Props {
  state: string;
  onRetry: () => void;
}

/** Says in front of the page that a part is not there. The rest of the page can be used meanwhile. */
function PartNotice({ state, onRetry, onClose }: Props & { onClose: () => void }) {
  const notice = useRef<HTMLDivElement>(null);
  useFocusUntilClosed(() => {
    if (!isTyping(document.activeElement)) notice.current?.querySelector("button")?.focus();
  });
  // Below an open dialog, nobody could use it.
  const [front] = useState(() => [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body);
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
