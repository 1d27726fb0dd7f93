import { X } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import type { Toast, ToastAction } from "../../chat/page_core";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { IconButton } from "./icon_button";
import { LONG_MS, usePassing } from "./notice";
import "./toast.css";

const SHOWN_MS = 4_000;

/**
 * What the reader's last action did, or what others did to the open conversation, if nothing else shows it. It disappears
 * by itself, unless the reader is at it, and can be closed if it stays long. Screen readers announce it.
 */
export function ToastView() {
  const { state } = useChat();
  const toast = useChatState((now) => now.toast);
  // It has its words until it is out of sight.
  const last = useRef<Toast | null>(null);
  last.current = toast ?? last.current;
  const element = useRef<HTMLElement>(null);
  const close = useCallback(() => state.setState({ toast: null }), [state]);
  const action = last.current === null ? undefined : actionOf(last.current);
  const isLong = action !== undefined || last.current?.isNews === true;
  const passing = usePassing(toast, isLong ? LONG_MS : SHOWN_MS, close);
  useAboveLowerParts(element, toast !== null);
  // In front of dialogs, of which the newest would cover it otherwise.
  useEffect(() => {
    element.current?.hidePopover();
    if (toast !== null) element.current?.showPopover();
  }, [toast]);
  const act = (): void => {
    action?.run();
    close();
  };
  return (
    <section
      className="toast"
      aria-label={texts.outcome}
      popover="manual"
      inert={toast === null}
      ref={element}
      {...passing}
    >
      <p>{last.current?.text}</p>
      {isLong && (
        <div className="toast-buttons">
          {action && (
            <button type="button" className="quiet" onClick={act}>
              {action.label}
            </button>
          )}
          <IconButton icon={X} label={texts.close} onClick={close} />
        </div>
      )}
    </section>
  );
}

/** Returns what the reader may do next. */
function actionOf({ action, leadsTo }: Toast): ToastAction | undefined {
  if (leadsTo === undefined) return action;
  return { label: texts.openConversation, run: () => goTo(leadsTo.conversationId, leadsTo.messageId) };
}

/**
 * Sets how far the top of the message field, and the end of the list, are above the lower edge of the window, however
 * tall the field and what is below the list get. `--toast-room` is the height that a toast above the message field needs,
 * so that it covers no message.
 */
function useAboveLowerParts(element: RefObject<HTMLElement | null>, isShown: boolean): void {
  useLayoutEffect(() => {
    if (!isShown) return;
    let known: Element | undefined;
    const page = document.documentElement;
    const list = document.querySelector(".sidebar");
    const place = (): void => {
      const composer = shownComposer();
      if (composer !== undefined && composer !== known) observer.observe(composer);
      known = composer;
      const { clientHeight } = page;
      const height = composer === undefined ? 0 : clientHeight - composer.getBoundingClientRect().top;
      element.current?.style.setProperty("--composer-height", `${height}px`);
      const below = list === null ? 0 : clientHeight - list.getBoundingClientRect().bottom;
      element.current?.style.setProperty("--below-list", `${below}px`);
      page.style.setProperty("--toast-room", `${element.current?.offsetHeight ?? 0}px`);
    };
    // A message field that is closed has no size, so that its end is noticed too.
    const observer = new ResizeObserver(place);
    observer.observe(page);
    if (list !== null) observer.observe(list);
    if (element.current !== null) observer.observe(element.current);
    place();
    return () => {
      observer.disconnect();
      page.style.removeProperty("--toast-room");
    };
  }, [element, isShown]);
}

/** Returns the message field on the screen, or what stands in its place: that of a panel that covers the conversation. */
function shownComposer(): Element | undefined {
  const all = [...document.querySelectorAll(".composer, .read-only")];
  return all.findLast((each) => each.getClientRects().length > 0);
}
