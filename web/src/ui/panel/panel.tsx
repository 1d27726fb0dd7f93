import { X } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../context";
import { IconButton } from "../parts/icon_button";
import { hidesConversation, useAlone } from "./alone";
import { useFocusBack } from "./focus_back";
import "./panel.css";

const ThreadPanel = lazy(() => import("./thread_panel"));
const PinsPanel = lazy(() => import("./pins_panel"));
const SearchPanel = lazy(() => import("../search/search_panel"));
const DetailsPanel = lazy(() => import("./details_panel"));
const OffersPanel = lazy(() => import("../offers/offers_panel"));

/** What stands beside the open conversation, or in its place where there is no room for both. */
export function PanelView({ conversation }: { conversation: Conversation }) {
  const panel = useChatState((state) => state.panel);
  useFocusBack(panel);
  switch (panel?.kind) {
    case "details":
      return (
        <Suspense>
          <DetailsPanel conversation={conversation} />
        </Suspense>
      );
    case "offers":
      return (
        <Suspense>
          <OffersPanel conversation={conversation} />
        </Suspense>
      );
    case "thread":
      return (
        <Suspense>
          <ThreadPanel key={panel.rootId} conversation={conversation} panel={panel} />
        </Suspense>
      );
    case "pins":
      return (
        <Suspense>
          <PinsPanel conversation={conversation} />
        </Suspense>
      );
    case "search":
      return (
        <Suspense>
          <SearchPanel conversation={conversation} />
        </Suspense>
      );
    default:
      return null;
  }
}

interface FrameProps {
  title: string;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** What stays below what is scrolled. */
  footer?: ReactNode;
  children: ReactNode;
}

/** The frame of a panel: its title, and a way out. */
export function PanelFrame({ title, actions, footer, children }: FrameProps) {
  const chat = useChat();
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      // What stands in front of the panel is closed first.
      const isInFront = (event.target as Element).closest?.("dialog, [role=dialog], [role=menu]");
      if (event.key === "Escape" && !event.defaultPrevented && !isInFront) chat.show(null);
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, [chat]);
  const isAlone = useAlone();
  const panel = useRef<HTMLElement>(null);
  // Where it stands in the conversation's place, the reader is in it. What has taken the focus inside keeps it.
  useEffect(() => {
    const section = panel.current;
    if (hidesConversation() && !section?.contains(document.activeElement)) section?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="panel" role={isAlone ? "main" : undefined} aria-label={title} ref={panel} tabIndex={-1}>
      {isAlone && <h1 className="hidden">{texts.name}</h1>}
      <header>
        <h2>{title}</h2>
        {actions}
        <IconButton icon={X} label={texts.close} onClick={() => chat.show(null)} />
      </header>
      <div className="panel-content">{children}</div>
      {footer}
    </section>
  );
}
